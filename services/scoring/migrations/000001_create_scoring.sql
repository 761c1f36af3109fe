-- Up Migration
-- What is known of each lead for scoring, its immutable feature snapshots, and the rules of each ICP.

create table lead_scores (
  key uuid primary key,
  org_id uuid not null,
  previous_revision int not null,
  revision int not null,
  published int not null,
  seen text not null,
  state text not null,
  value int,
  band text,
  updated_at timestamptz not null default now()
);

create table lead_feature_snapshots (
  lead_id uuid not null,
  org_id uuid not null,
  -- The nil UUID stands for "no ICP", since a unique key treats nulls as different.
  icp_profile_id uuid not null,
  snapshot_version int not null,
  source_version bigint not null,
  feature_vector_hash text not null,
  features text not null,
  created_at timestamptz not null default now(),
  unique (lead_id, icp_profile_id, snapshot_version, source_version, feature_vector_hash)
);

create table rule_sets (
  org_id uuid not null,
  icp_id uuid not null,
  version int not null default 1,
  primary key (org_id, icp_id)
);

create table qualification_rules (
  id uuid primary key,
  org_id uuid not null,
  icp_id uuid not null,
  field_key text not null,
  operator text not null,
  value text not null,
  weight double precision not null check (weight between 0 and 1),
  type text not null check (type in ('WEIGHTED', 'HARD_FILTER')),
  description text not null default '',
  position bigint generated always as identity,
  foreign key (org_id, icp_id) references rule_sets (org_id, icp_id)
);
create index qualification_rules_icp on qualification_rules (org_id, icp_id, position);
