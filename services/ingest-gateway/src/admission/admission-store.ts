/** Accepted leads that wait for the line. */
import type { Database, OutboxMessage, Queries } from '@lead-flood/postgres';
import { intoOutbox, jsons, slices, sql, texts } from '@lead-flood/postgres';

/** Fewer make more rows, more make a coarser turn, and a burst: at 100 leads a second a row is a quarter of one. */
const LEADS_PER_ROW = 25;

/** Beside the backlog's. */
const LOCK_CLASS = 0x1eadf6;

/** Order of the array = order of entering, within an organisation. All are of one topic and have a value. */
export async function insertAdmissions(tx: Queries, orgId: string, messages: readonly OutboxMessage[]): Promise<void> {
  if (messages.length === 0) return;
  // Two lists at once would both take the turn behind the last row that is committed: a share for each of them.
  await tx.query(sql.unsafe`
    select pg_advisory_xact_lock(${LOCK_CLASS}, hashtext(current_schema() || '/' || ${orgId}))
  `);
  for (let from = 0; from < messages.length; from += LEADS_PER_ROW) {
    const row = messages.slice(from, from + LEADS_PER_ROW);
    const values = slices(row.map((message) => message.value));
    await tx.query(sql.unsafe`
      insert into admissions (org_id, leads, turn, topic, keys, headers, all_values, starts, lengths)
      values (
        ${orgId}, ${row.length},
        greatest(
          (select turn + leads from admissions where org_id = ${orgId} order by turn desc, seq desc limit 1),
          (select turn from admissions order by turn, seq limit 1),
          0
        ),
        ${row[0]?.topic ?? ''},
        ${texts(row.map((message) => message.key))}::text[],
        ${jsons(row.map((message) => JSON.stringify(message.headers)))},
        ${sql.binary(values.all)}, ${values.from}::int[], ${values.length}::int[]
      )
    `);
  }
}

/**
 * Moves the next row to the outbox and gives the number of its leads. One statement: a row is either waiting or in the
 * outbox. Of two replicas the later one passes over a row that the other is moving.
 */
export async function admitNext(database: Database): Promise<number> {
  const leads = sql.fragment`
    select topic, lead.key, lead.headers, substring(all_values from lead.start for lead.length) as value, lead.n
    from admitted
      cross join unnest(keys, admitted.headers, starts, lengths) with ordinality as lead(key, headers, start, length, n)
  `;
  const { rowCount } = await database.query(sql.unsafe`
    with admitted as (
      delete from admissions
      where seq = (select seq from admissions order by turn, seq limit 1 for update skip locked)
      returning topic, keys, headers, all_values, starts, lengths
    )
    ${intoOutbox(leads)}
  `);
  return rowCount;
}
