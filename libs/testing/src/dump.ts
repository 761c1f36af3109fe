/** What a service's tables hold, without what differs from run to run: for comparing the ends of two runs. */
import { z } from 'zod';
import type { Database } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';

export type SerializableValue = Readonly<Record<string, unknown>>;

const MACHINERY = new Set([
  'positions',
  'outbox',
  'relay_cursor',
  'timers',
  'journal',
  'redeliveries',
  'parked',
  'leases',
  'ticks',
  'migrations',
  'machinery_migrations',
]);
/** `revision` counts saves, which depends on how inputs fell into batches; the others are clocks and counters. */
const VOLATILE = new Set(['revision', 'previous_revision', 'updated_at', 'created_at', 'position', 'seq']);
const TIME_IN_STATE = /At$|^at$|^latencyMs$/;

/** Rows of every table of the schema, sorted; columns of time left out, also inside the JSON state. */
export async function dumpTables(
  database: Database,
  ignore: Readonly<Record<string, readonly string[]>>,
): Promise<Record<string, SerializableValue[]>> {
  const tables = await database.anyFirst(sql.type(z.object({ name: z.string() }))`
    select table_name as name from information_schema.tables
    where table_schema = current_schema() and table_type = 'BASE TABLE' order by 1
  `);
  const dump: Record<string, SerializableValue[]> = {};
  for (const table of tables.filter((name) => !MACHINERY.has(name) && !name.startsWith('outbox_'))) {
    const rows = await database.anyFirst(
      sql.type(
        z.object({ row: z.record(z.string(), z.unknown()) }),
      )`select to_json(t) as row from ${sql.identifier([table])} t`,
    );
    const skipped = new Set(ignore[table] ?? []);
    dump[table] = rows
      .map((row) =>
        Object.fromEntries(
          Object.entries(row)
            .filter(([name]) => !VOLATILE.has(name) && !name.endsWith('_at') && !skipped.has(name))
            .map(([name, value]) => [name, name === 'state' || name === 'seen' ? stateOf(value) : value]),
        ),
      )
      .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  return dump;
}

const stateOf = (value: unknown): unknown =>
  typeof value === 'string' && value.startsWith('{')
    ? JSON.parse(value, (name, inner: unknown) =>
        TIME_IN_STATE.test(name) && name !== 'submittedAt' ? undefined : inner,
      )
    : value;
