-- Up Migration
-- Callers become documents like every other aggregate: changed by commands, told on call-allocation.caller.v1.

create table caller_documents (
  key uuid primary key,
  org_id uuid not null,
  previous_revision int not null,
  revision int not null,
  published int not null,
  seen text not null,
  state text not null,
  user_id uuid,
  email text not null,
  -- Separated by spaces.
  language_codes text not null,
  region_iso_codes text not null,
  allocation_status text not null,
  updated_at timestamptz not null default now(),
  unique (org_id, email)
);

insert into caller_documents (key, org_id, previous_revision, revision, published, seen, state, user_id, email,
  language_codes, region_iso_codes, allocation_status, updated_at)
select id, org_id, 0, 1, 0, '{}',
  json_build_object(
    'kind', 'caller', 'email', email, 'name', name, 'timezone', timezone, 'languageCodes', language_codes,
    'regionIsoCodes', region_iso_codes, 'metadata', metadata::json, 'userId', user_id,
    'allocationStatus', allocation_status,
    'createdAt', floor(extract(epoch from created_at) * 1000),
    'updatedAt', floor(extract(epoch from updated_at) * 1000)
  )::text,
  user_id, email, array_to_string(language_codes, ' '), array_to_string(region_iso_codes, ' '), allocation_status, updated_at
from callers;

drop table callers;
alter table caller_documents rename to callers;
create unique index callers_user on callers (org_id, user_id) where user_id is not null;
