-- Up Migration
-- What operators do with dead letters: when a letter was sent again, and one row for every act.

-- Null: still waits for somebody. Last in both tables, since retired rows move over as they are.
alter table dead_letters add column replayed_at timestamptz;
alter table dead_letter_archive add column replayed_at timestamptz;

create table dead_letter_acts (
  id uuid primary key,
  act text not null,
  who text not null,
  -- JSON of what was asked for.
  filter text not null,
  -- Of the organisation of the filter; null: over all of them.
  org_id uuid,
  matched bigint not null,
  acted bigint not null,
  -- Left alone by the loop guard.
  guarded bigint not null default 0,
  -- Of a replay, once it is known: refused again, and not.
  came_back bigint,
  gone bigint,
  -- Whole milliseconds, as a page's cursor holds them.
  at timestamptz not null default date_trunc('milliseconds', now())
);
create index dead_letter_acts_at on dead_letter_acts (at, id);
