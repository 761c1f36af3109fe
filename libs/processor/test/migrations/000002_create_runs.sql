-- Up Migration
-- The runs of chapter 21.

create table runs (
  key uuid primary key,
  org_id uuid not null,
  previous_revision int not null,
  revision int not null,
  published int not null,
  seen text not null,
  state text not null,
  updated_at timestamptz not null default now()
);
