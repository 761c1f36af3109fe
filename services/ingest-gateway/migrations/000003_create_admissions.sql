-- Leads of files and lists that were accepted and wait to be let into the line, some hundred a row. What is let in moves to
-- the outbox in one statement.
create table admissions (
  seq bigint generated always as identity primary key,
  org_id uuid not null,
  leads int not null,
  -- Leads of its organisation that stand before it, counted on from what was waiting when the organisation came: whoever has
  -- the smallest is next (start-time fair queueing).
  turn bigint not null,
  topic text not null,
  keys text[] not null,
  headers text[] not null,
  -- The values one behind the other, and where each begins (from 1) and how long it is.
  all_values bytea not null,
  starts int[] not null,
  lengths int[] not null
);
create index admissions_turn_seq on admissions (turn, seq);
create index admissions_org_id_turn on admissions (org_id, turn);
