/**
 * The usual shape of a state table: one row a key, the state as JSON text, next to it what the engine needs (revision,
 * count of published events, versions seen) and the few columns that lists and constraints ask for. Reading and saving
 * are one statement each, whatever the length of the batch.
 */
import { z } from 'zod';
import { TransientError } from '@lead-flood/kernel';
import { jsons, numbers, texts } from './arrays.ts';
import { sql } from './database.ts';
import type { Queries } from './database.ts';

/** Last applied version by source; see the version guard in libs/processor. */
export type Seen = Readonly<Record<string, number>>;

export type Stored<S> = {
  /** Whose row it is; whoever acts for another organisation must not see or change it. */
  readonly orgId: string;
  readonly state: S;
  /** How often the row was saved; 0 = not there yet. A save that finds another number fails. */
  readonly revision: number;
  /** How many events this aggregate has published; the next one gets this + 1 as its version. */
  readonly published: number;
  readonly seen: Seen;
};

export type Saved<S> = Stored<S> & {
  readonly key: string;
  /** Every state that the row passed through since it was loaded, the last one included: for append-only tables beside it. */
  readonly passed: readonly S[];
};

export type DocumentStore<S> = {
  readonly load: (queries: Queries, keys: readonly string[]) => Promise<Map<string, Stored<S>>>;
  /** One row of one organisation; another organisation's row is not there. */
  readonly loadOf: (queries: Queries, orgId: string, key: string) => Promise<Stored<S> | null>;
  /** Saves all or throws `PGS_ERR_VERSION_CONFLICT` (and so rolls back). `revision` is the one that was loaded. */
  readonly save: (tx: Queries, rows: readonly Saved<S>[]) => Promise<void>;
};

/** A column derived from the state, for queries: always as text here, cast by Postgres to the column's type. */
export type DerivedColumn<S> = {
  readonly name: string;
  readonly type: string;
  readonly of: (state: S, key: string) => string | number | boolean | null;
};

const row = z.object({
  key: z.string(),
  org_id: z.string(),
  revision: z.int(),
  published: z.int(),
  seen: z.string(),
  state: z.string(),
});

export function createDocumentStore<S>(options: {
  readonly table: string;
  readonly state: z.ZodType<S>;
  readonly columns?: readonly DerivedColumn<S>[];
}): DocumentStore<S> {
  const table = sql.identifier([options.table]);
  const columns = options.columns ?? [];
  const names = columns.map((column) => sql.fragment`, ${sql.identifier([column.name])}`);
  const updates = columns.map(
    (column) => sql.fragment`, ${sql.identifier([column.name])} = excluded.${sql.identifier([column.name])}`,
  );
  const none = sql.fragment``;
  const join = (parts: typeof names) => sql.join(parts.length === 0 ? [none] : parts, none);

  const toStored = (r: z.infer<typeof row>): Stored<S> => ({
    orgId: r.org_id,
    state: options.state.parse(JSON.parse(r.state)),
    revision: r.revision,
    published: r.published,
    seen: JSON.parse(r.seen) as Seen,
  });

  return {
    async loadOf(queries, orgId, key) {
      const found = await queries.maybeOne(sql.type(row)`
        select key, org_id, revision, published, seen, state from ${table} where key = ${key} and org_id = ${orgId}
      `);
      return found === null ? null : toStored(found);
    },
    async load(queries, keys) {
      if (keys.length === 0) return new Map();
      const rows = await queries.any(sql.type(row)`
        select key, org_id, revision, published, seen, state from ${table} where key = any(${texts(keys)}::uuid[])
      `);
      return new Map(rows.map((r) => [r.key, toStored(r)]));
    },
    async save(tx, rows) {
      if (rows.length === 0) return;
      // Sorted, so that two transactions that save the same keys wait for each other instead of deadlocking.
      const sorted = rows.toSorted((a, b) => (a.key < b.key ? -1 : 1));
      const values = columns.map(
        (column) =>
          sql.fragment`, ${texts(sorted.map((r) => asText(column.of(r.state, r.key))))}::${sql.identifier([column.type])}[]`,
      );
      const { rowCount } = await tx.query(sql.unsafe`
        insert into ${table} as t (key, org_id, previous_revision, revision, published, seen, state${join(names)})
        select * from unnest(
          ${texts(sorted.map((r) => r.key))}::uuid[],
          ${texts(sorted.map((r) => r.orgId))}::uuid[],
          ${numbers(sorted.map((r) => r.revision))}::int[],
          ${numbers(sorted.map((r) => r.revision + 1))}::int[],
          ${numbers(sorted.map((r) => r.published))}::int[],
          ${jsons(sorted.map((r) => JSON.stringify(r.seen)))},
          ${jsons(sorted.map((r) => JSON.stringify(r.state)))}
          ${join(values)}
        )
        on conflict (key) do update set
          previous_revision = excluded.previous_revision, revision = excluded.revision, published = excluded.published,
          seen = excluded.seen, state = excluded.state, updated_at = now()${join(updates)}
        where t.revision = excluded.previous_revision and t.org_id = excluded.org_id
      `);
      if (rowCount !== sorted.length) {
        throw new TransientError(
          'PGS_ERR_VERSION_CONFLICT',
          `${sorted.length - rowCount} rows of ${options.table} changed meanwhile`,
        );
      }
    },
  };
}

const asText = (value: string | number | boolean | null): string | null => (value === null ? null : String(value));
