-- Up Migration
-- One conversation per lead; sequences with their templates; who must not be written to; what was tried.

create table conversations (
  key uuid primary key,
  org_id uuid not null,
  previous_revision int not null,
  revision int not null,
  published int not null,
  seen text not null,
  state text not null,
  thread_id uuid,
  thread_status text,
  last_message_at timestamptz,
  replied boolean not null,
  updated_at timestamptz not null default now()
);
create unique index conversations_thread on conversations (thread_id) where thread_id is not null;
create index conversations_inbox on conversations (org_id, last_message_at desc, key) where thread_id is not null;

create table sequences (
  id uuid primary key,
  org_id uuid not null,
  name text not null,
  status text not null check (status in ('DRAFT', 'ACTIVE', 'PAUSED', 'ARCHIVED')),
  created_at timestamptz not null default now()
);
create unique index sequences_active on sequences (org_id) where status = 'ACTIVE';

create table sequence_steps (
  sequence_id uuid not null references sequences (id),
  step_number int not null check (step_number > 0),
  delay_hours int not null check (delay_hours >= 0),
  subject text not null,
  body text not null,
  primary key (sequence_id, step_number)
);

-- By person, not by lead: whoever asked for silence gets it under every address that we know of.
create table suppressions (
  org_id uuid not null,
  kind text not null check (kind in ('lead', 'email', 'phone')),
  value text not null,
  reason text not null,
  created_at timestamptz not null default now(),
  primary key (org_id, kind, value)
);

create table delivery_attempts (
  message_id uuid primary key,
  lead_id uuid not null,
  org_id uuid not null,
  channel text not null,
  provider text,
  outcome text not null check (outcome in ('SENT', 'FAILED', 'UNKNOWN', 'SUPPRESSED')),
  code text,
  detail text,
  created_at timestamptz not null default now()
);
create index delivery_attempts_lead on delivery_attempts (lead_id);

create table cooldown_log (
  id uuid primary key,
  lead_id uuid not null,
  org_id uuid not null,
  kind text not null check (kind in ('ENFORCED', 'OVERRIDDEN')),
  created_at timestamptz not null default now()
);
