-- Up Migration
-- The newest tick of each clock that call-allocation has worked on; its version guard drops repeats.
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
