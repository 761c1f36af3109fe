-- Up Migration
-- One document table as every service has it, and one with a unique e-mail for the log's canary.

create table documents (
  key uuid primary key,
  org_id uuid not null,
  previous_revision int not null,
  revision int not null,
  published int not null,
  seen text not null,
  state text not null,
  size int,
  updated_at timestamptz not null default now()
);

create table mails (email text unique);
