-- Up Migration
-- Who is who: leads, the identity keys by which they are recognised, every submission with its outcome, and ICPs.

create table leads (
  key uuid primary key,
  org_id uuid not null,
  previous_revision int not null,
  revision int not null,
  published int not null,
  seen text not null,
  state text not null,
  job_id uuid not null,
  updated_at timestamptz not null default now()
);

create unique index leads_job on leads (job_id);

-- One row for each strong key (e-mail, phone, LinkedIn slug) of an organisation: the first to claim it wins, and
-- whoever comes later learns the winner from here. This is what makes two replicas and a REST call agree.
create table identity_keys (
  org_id uuid not null,
  kind text not null,
  value text not null,
  lead_id uuid not null,
  -- Order of claiming: of two leads that turn out to be one person the older claim stays.
  age bigint generated always as identity,
  claimed_at timestamptz not null default now(),
  primary key (org_id, kind, value)
);
create index identity_keys_lead on identity_keys (lead_id);

-- Every submission once, by the source's own id: a repeat of the writer finds its first outcome.
create table lead_discovery_records (
  submission_id uuid primary key,
  org_id uuid not null,
  natural_key text not null,
  lead_id uuid,
  source text not null,
  outcome text not null check (outcome in ('DISCOVERED', 'UPDATED', 'DUPLICATE', 'REJECTED')),
  reasons text not null default '[]',
  created_at timestamptz not null default now(),
  unique (org_id, natural_key)
);
create index lead_discovery_records_lead on lead_discovery_records (lead_id);

create table icps (
  id uuid primary key,
  org_id uuid not null,
  version int not null default 1,
  name text not null,
  target_industries text[] not null,
  target_countries text[] not null,
  min_company_size int,
  max_company_size int,
  required_technologies text[] not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index icps_org on icps (org_id, created_at);
