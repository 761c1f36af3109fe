-- Up Migration
-- The rules of an ICP become one document, changed by commands and told on scoring.rule.v1. An ICP without rules that
-- was created before is heard of when it is changed next; until then no rule can be added to it.

create table rule_set_documents (
  key uuid primary key,
  org_id uuid not null,
  previous_revision int not null,
  revision int not null,
  published int not null,
  seen text not null,
  state text not null,
  updated_at timestamptz not null default now()
);

insert into rule_set_documents (key, org_id, previous_revision, revision, published, seen, state)
select s.icp_id, s.org_id, 0, 1, 0, '{}',
  json_build_object(
    'icp', 'known',
    'version', s.version,
    'rules', coalesce(
      json_agg(
        json_build_object(
          'id', r.id, 'fieldKey', r.field_key, 'operator', r.operator, 'value', r.value::json,
          'weight', r.weight, 'type', r.type, 'description', r.description
        )
        order by r.position
      ) filter (where r.id is not null),
      '[]'
    )
  )::text
from rule_sets s left join qualification_rules r using (org_id, icp_id)
group by s.icp_id, s.org_id, s.version
-- Before, anybody could add a rule under any id of an ICP, so a set of another organisation may stand beside the owner's.
order by s.version desc
on conflict do nothing;

drop table qualification_rules;
drop table rule_sets;
alter table rule_set_documents rename to rule_sets;
