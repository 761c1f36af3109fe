-- Up Migration
-- The tables that every service has, with the same names: what the processor, the relay and the effect runner need.

-- Where each consumer group stands. Kafka is only told; this row decides, since it changes with the state it belongs to.
create table positions (
  consumer_group text not null,
  topic text not null,
  partition int not null,
  -- Counts the owners; a late owner's writes find another number and change nothing.
  epoch bigint not null default 1,
  next_offset bigint not null,
  -- Offsets beyond next_offset that are done already (effect runner only).
  finished bigint[] not null default '{}',
  updated_at timestamptz not null default now(),
  primary key (consumer_group, topic, partition)
);

-- Messages that a committed transaction wants published. Read in commit order by the relay: (tx, seq) below the oldest
-- running transaction. A cursor on seq alone would lose rows, since commit order is not sequence order.
create table outbox (
  created_at timestamptz not null default now(),
  tx xid8 not null default pg_current_xact_id(),
  seq bigint generated always as identity,
  topic text not null,
  key text,
  headers text not null,
  value bytea
) partition by range (created_at);

create index outbox_tx_seq on outbox (tx, seq);

create table relay_cursor (
  slot int primary key,
  tx xid8 not null,
  seq bigint not null
);
insert into relay_cursor (slot, tx, seq) values (0, '0', 0);

-- Messages to be put on a topic later.
create table timers (
  id uuid primary key,
  due_at timestamptz not null,
  topic text not null,
  key text,
  headers text not null,
  value bytea
);
create index timers_due_at on timers (due_at);

-- Answers of the outside world, stored before they are used.
create table journal (
  consumer_group text not null,
  message_id uuid not null,
  step text not null,
  -- false: begun and not finished; whether the outside call took place is unknown.
  done boolean not null,
  answer text,
  started_at timestamptz not null default now(),
  primary key (consumer_group, message_id, step)
);
create index journal_started_at on journal (started_at);

-- Inputs that wait for another try; the row goes in the transaction that decides them, so a try counts once.
create table redeliveries (
  consumer_group text not null,
  message_id uuid not null,
  attempt int not null,
  code text not null,
  detail text not null,
  scheduled_at timestamptz not null default now(),
  primary key (consumer_group, message_id)
);
