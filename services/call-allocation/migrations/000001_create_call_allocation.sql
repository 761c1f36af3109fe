-- Up Migration
-- Callers, the tasks they work on, and the calls as the telephony provider tells them.

create table callers (
  id uuid primary key,
  org_id uuid not null,
  -- The account by which the caller logs in, when it is not the caller's own id.
  user_id uuid,
  email text not null,
  name text not null,
  timezone text not null,
  language_codes text[] not null,
  region_iso_codes text[] not null,
  metadata text not null default '{}',
  allocation_status text not null default 'ACTIVE',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (org_id, email)
);
create unique index callers_user on callers (org_id, user_id) where user_id is not null;

create table call_tasks (
  key uuid primary key,
  org_id uuid not null,
  previous_revision int not null,
  revision int not null,
  published int not null,
  seen text not null,
  state text not null,
  status text not null,
  lead_id uuid,
  project_id uuid,
  caller_id uuid,
  region_iso text,
  language_code text,
  timezone text,
  priority int,
  rank int,
  queued_at timestamptz,
  updated_at timestamptz not null default now()
);
-- What matching reads: only what waits.
create index call_tasks_queue on call_tasks (org_id, priority desc, rank desc, queued_at) where status = 'PENDING';
-- A caller holds one task at a time, whatever two requests of the same moment believe.
create unique index call_tasks_active on call_tasks (caller_id) where status in ('ASSIGNED', 'DIALING');

create table call_logs (
  key uuid primary key,
  org_id uuid not null,
  previous_revision int not null,
  revision int not null,
  published int not null,
  seen text not null,
  state text not null,
  call_id text not null,
  task_id text,
  updated_at timestamptz not null default now()
);

create table suppressed_leads (
  lead_id uuid primary key,
  org_id uuid not null,
  reason text not null,
  created_at timestamptz not null default now()
);
