-- Up Migration
-- Silence is asked for by a person: it holds for their numbers and mailboxes, whatever lead they stand under.

create table suppressed_addresses (
  org_id uuid not null,
  kind text not null check (kind in ('email', 'phone')),
  -- In the spelling in which outreach compares them as well.
  value text not null,
  created_at timestamptz not null default now(),
  primary key (org_id, kind, value)
);

alter table call_tasks add column phone_key text, add column email_key text;
-- Numbers of tasks are in E.164 already.
update call_tasks set phone_key = state::json ->> 'phone' where state::json ->> 'kind' = 'task';

-- Whoever had asked for silence before.
insert into suppressed_addresses (org_id, kind, value)
select distinct t.org_id, 'phone', t.phone_key
from call_tasks t join suppressed_leads l on l.lead_id = t.lead_id and l.org_id = t.org_id
where t.phone_key is not null and l.reason <> 'merged'
on conflict do nothing;
