-- Up Migration
-- Jobs as those who work on them tell of them, and the newest tick of the gateway's clock.

create table jobs (
  key uuid primary key,
  org_id uuid not null,
  previous_revision int not null,
  revision int not null,
  published int not null,
  seen text not null,
  state text not null,
  type text,
  status text,
  owner text,
  attempts int,
  retryable bool,
  created_at timestamptz,
  updated_at timestamptz not null default now()
);
create index jobs_newest on jobs (org_id, created_at desc, key desc);
create index jobs_failed on jobs (updated_at) where status = 'failed' and retryable;

-- When the last row came in: told once, however often the upload is sent.
alter table uploads add column received_at timestamptz;

-- Uploads of before are jobs as well.
insert into jobs (key, org_id, previous_revision, revision, published, seen, state, type, status, owner, attempts, retryable,
  created_at, updated_at)
select id, org_id, 0, 1, 0, '{}',
  json_build_object(
    'kind', 'job', 'type', 'upload-' || kind, 'status', case state when 'failed' then 'failed' else 'running' end,
    'leadId', null, 'error', error, 'owner', '', 'total', rows_total, 'done', 0, 'refused', refused, 'attempts', 1,
    'retryable', false, 'isCancelRequested', false,
    'createdAt', floor(extract(epoch from created_at) * 1000), 'updatedAt', floor(extract(epoch from updated_at) * 1000)
  )::text,
  'upload-' || kind, case state when 'failed' then 'failed' else 'running' end, '', 1, false, created_at, updated_at
from uploads;

create table clocks (
  key uuid primary key,
  org_id uuid not null,
  previous_revision int not null,
  revision int not null,
  published int not null,
  seen text not null,
  state text not null,
  updated_at timestamptz not null default now()
);
