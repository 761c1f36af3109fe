-- When a single lead last came in, whichever replica took it: imports are let in more gently for a while.
create table single_leads (
  slot smallint primary key default 0 check (slot = 0),
  seen_at timestamptz not null
);
insert into single_leads (seen_at) values ('-infinity');
