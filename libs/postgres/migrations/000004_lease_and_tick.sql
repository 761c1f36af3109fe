-- Up Migration
-- Work that one replica does for all of them, and the clocks that are the first such work.

create table leases (
  name text primary key,
  holder text not null,
  -- Counts the holders; what an earlier one writes under its number is refused.
  fence bigint not null,
  until timestamptz not null
);

-- The newest period of each tick that was written; outbox partitions go after two days, this row stays.
create table ticks (
  name text primary key,
  period bigint not null,
  fired_at timestamptz not null
);
