-- Up Migration
-- Who has drained which parked key, and what came of it: written by the drain's own transactions.
create table drains (
  id uuid primary key,
  org_id uuid not null,
  -- The user who asked.
  who text not null,
  consumer_group text not null,
  key text not null,
  drop_first boolean not null,
  drained bigint not null,
  dropped bigint not null,
  -- Null: nothing has stopped it so far.
  stopped_by text,
  at timestamptz not null default now()
);
create index drains_at on drains (org_id, at);
