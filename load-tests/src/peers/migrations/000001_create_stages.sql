-- Up Migration
-- One state table a stage, as a service has it.

create table stage_ingest (
  key uuid primary key,
  org_id uuid not null,
  previous_revision int not null,
  revision int not null,
  published int not null,
  seen text not null,
  state text not null,
  times int not null,
  updated_at timestamptz not null default now()
);

create table stage_enrich (
  key uuid primary key,
  org_id uuid not null,
  previous_revision int not null,
  revision int not null,
  published int not null,
  seen text not null,
  state text not null,
  times int not null,
  updated_at timestamptz not null default now()
);

create table stage_score (
  key uuid primary key,
  org_id uuid not null,
  previous_revision int not null,
  revision int not null,
  published int not null,
  seen text not null,
  state text not null,
  times int not null,
  updated_at timestamptz not null default now()
);

create table stage_act (
  key uuid primary key,
  org_id uuid not null,
  previous_revision int not null,
  revision int not null,
  published int not null,
  seen text not null,
  state text not null,
  times int not null,
  updated_at timestamptz not null default now()
);

create table stage_project (
  key uuid primary key,
  org_id uuid not null,
  previous_revision int not null,
  revision int not null,
  published int not null,
  seen text not null,
  state text not null,
  times int not null,
  updated_at timestamptz not null default now()
);
