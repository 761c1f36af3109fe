-- Up Migration
-- What older systems keep as a column of the outbox, as a function of facts (decision C-16): nothing is written for it.
--
--   pending      not published yet            failed       waits for another try; when, and how often it was tried
--   sent         stored by the broker         processing   the try that it waited for is under way
--   dead_letter  every try failed, or it can never be processed
--
-- Headers are cut out as text: a foreign one may hold what Postgres' JSON functions refuse.
create view outbox_states as
select
  o.created_at,
  o.topic,
  o.key,
  substring(o.headers from '"message-id":"([^"\\]*)"') as message_id,
  substring(o.headers from '"org-id":"([^"\\]*)"') as org_id,
  case
    when o.topic like '%.dead-letter.v1' then 'dead_letter'
    when (o.tx, o.seq) <= (c.tx, c.seq) then 'sent'
    else 'pending'
  end as status,
  case
    when o.topic like '%.dead-letter.v1' then coalesce(substring(o.headers from '"attempt":"(\d{1,6})"')::int, 0) + 1
    when (o.tx, o.seq) <= (c.tx, c.seq) then 1
    else 0
  end as attempts,
  null::timestamptz as next_attempt_at,
  substring(o.headers from '"dead-letter-code":"([^"\\]*)"') as code
from outbox o, relay_cursor c
where c.slot = 0
union all
select
  r.scheduled_at,
  r.consumer_group || '.timer.v1',
  t.key,
  r.message_id::text,
  substring(t.headers from '"org-id":"([^"\\]*)"'),
  case when t.id is null then 'processing' else 'failed' end,
  r.attempt,
  t.due_at,
  r.code
from redeliveries r
left join timers t on t.topic = r.consumer_group || '.timer.v1'
  and substring(t.headers from '"message-id":"([^"\\]*)"') = r.message_id::text;
