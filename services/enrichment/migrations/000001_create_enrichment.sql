-- Up Migration
-- What providers were asked and what they answered: the state of each lead, every attempt, every contact point.

create table lead_enrichments (
  key uuid primary key,
  org_id uuid not null,
  previous_revision int not null,
  revision int not null,
  published int not null,
  seen text not null,
  state text not null,
  status text not null check (status in ('PENDING', 'COMPLETED', 'FAILED')),
  updated_at timestamptz not null default now()
);

create table enrichment_attempts (
  lead_id uuid not null,
  org_id uuid not null,
  position int not null,
  provider text not null,
  status text not null,
  confidence double precision,
  latency_ms int not null,
  cost_micros bigint not null,
  response text,
  created_at timestamptz not null default now(),
  primary key (lead_id, position)
);

-- S3's ExpertContact: the best answer, one row for each way to reach the person.
create table contact_points (
  lead_id uuid not null,
  org_id uuid not null,
  kind text not null check (kind in ('email', 'phone', 'linkedin')),
  value text not null,
  status text not null,
  provider text not null,
  confidence double precision not null,
  observed_at timestamptz not null,
  primary key (lead_id, kind, value)
);

-- How each provider has done lately: the planner asks the likely and the cheap ones first.
create table provider_statistics (
  provider text primary key,
  asked bigint not null,
  hits bigint not null,
  verified bigint not null,
  cost_micros bigint not null
);
