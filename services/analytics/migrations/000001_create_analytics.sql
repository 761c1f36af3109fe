-- Up Migration
-- The read model: one row a lead, with what lists filter by beside the document. Refused submissions are rows without a stage.

create table lead_models (
  key uuid primary key,
  org_id uuid not null,
  previous_revision int not null,
  revision int not null,
  published int not null,
  seen text not null,
  state text not null,
  -- Null: a submission that was refused and so is no lead.
  stage text,
  band text,
  -- -1: not scored yet. A number and not null, so that one comparison of (score, key) is the place in the list.
  score int not null,
  -- Text: ids of foreign writers are whatever they say, and must not become dead letters here.
  icp_id text,
  source text,
  country text,
  email_status text,
  job_id uuid not null,
  -- Lower case: names, e-mail address, company. Read by a scan of the organisation's rows in the list's order; a trigram
  -- index would cost every write more than the rest of the row does.
  search text not null,
  -- What the lead adds to the funnel, as text with few distinct values: the funnel groups by it and adds up in the process.
  tally text not null,
  created_at timestamptz not null,
  changed_at timestamptz not null,
  updated_at timestamptz not null default now()
-- Rows are rewritten some five times within seconds: room on the page lets some of that happen without touching the
-- indexes, and compressing a document of 2 KB each time would cost a fifth of Postgres' work on it (measured).
) with (fillfactor = 70, toast_tuple_target = 8160);

create index lead_models_created on lead_models (org_id, created_at, key) where stage is not null;
create index lead_models_score on lead_models (org_id, score, key) where stage is not null;
create index lead_models_job on lead_models (job_id);

-- Outcomes of the leads of an upload, counted in the transaction that applies them.
create table upload_outcomes (
  job_id text not null,
  org_id uuid not null,
  outcome text not null,
  leads bigint not null,
  primary key (job_id, org_id, outcome)
);

-- Every message that some group could not process, as it came.
create table dead_letters (
  id uuid primary key,
  consumer_group text not null,
  topic text not null,
  partition int not null,
  "offset" bigint not null,
  code text not null,
  detail text not null,
  step text not null,
  key text,
  headers text not null,
  value bytea,
  -- Null: nobody knows whose it is.
  org_id uuid,
  at timestamptz not null,
  archived_at timestamptz not null default now()
);
create index dead_letters_at on dead_letters (at, id);

-- Out of the hot table after ANALYTICS_DEAD_LETTERS_HOT_DAYS, gone after ANALYTICS_DEAD_LETTERS_KEPT_DAYS (decision C-20).
create table dead_letter_archive (like dead_letters including defaults);
create index dead_letter_archive_at on dead_letter_archive (at);
