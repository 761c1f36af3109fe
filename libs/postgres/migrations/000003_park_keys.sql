-- Up Migration
-- Messages of keys that a processor has set aside after a reject, in the order in which they came. The first row of a key
-- is the message that was rejected, with its code; those behind it have none.
create table parked (
  seq bigint generated always as identity,
  consumer_group text not null,
  key text not null,
  topic text not null,
  partition int not null,
  "offset" bigint not null,
  timestamp_ms bigint not null,
  record_key bytea,
  headers text not null,
  value bytea,
  org_id uuid,
  code text,
  parked_at timestamptz not null default now(),
  primary key (consumer_group, topic, partition, "offset")
);
create index parked_key on parked (consumer_group, key, seq);
