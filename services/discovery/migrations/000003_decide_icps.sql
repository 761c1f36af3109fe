-- Up Migration
-- ICPs become documents like every other aggregate: changed by commands, told on discovery.icp.v1. A process of before
-- does not find its columns any more; its requests fail until it is replaced.

create table icp_documents (
  key uuid primary key,
  org_id uuid not null,
  previous_revision int not null,
  revision int not null,
  published int not null,
  seen text not null,
  state text not null,
  -- Null once deleted.
  created_at timestamptz,
  updated_at timestamptz not null default now()
);

insert into icp_documents (key, org_id, previous_revision, revision, published, seen, state, created_at, updated_at)
select id, org_id, 0, 1, 0, '{}',
  json_build_object(
    'kind', 'icp',
    'version', version,
    'profile', json_build_object(
      'name', name,
      'targetIndustries', target_industries,
      'targetCountries', target_countries,
      'minCompanySize', min_company_size,
      'maxCompanySize', max_company_size,
      'requiredTechnologies', required_technologies
    ),
    'createdAt', floor(extract(epoch from created_at) * 1000),
    'updatedAt', floor(extract(epoch from updated_at) * 1000)
  )::text,
  created_at, updated_at
from icps;

drop table icps;
alter table icp_documents rename to icps;
create index icps_org on icps (org_id, created_at);
