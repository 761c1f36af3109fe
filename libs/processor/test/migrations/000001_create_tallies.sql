-- Up Migration
-- The state of the manual's example: how often a lead was enriched. The check gives chapter 04 a row that Postgres refuses.

create table tallies (
  key uuid primary key,
  org_id uuid not null,
  previous_revision int not null,
  revision int not null,
  published int not null,
  seen text not null,
  state text not null,
  employer text check (employer <> 'Unstorable AB'),
  updated_at timestamptz not null default now()
);
