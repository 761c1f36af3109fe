/**
 * Publishes the outbox, in commit order, from one process at a time.
 *
 *      waiting ──lock──▶ reading ──rows──▶ publishing ──acked──▶ advancing ──▶ reading
 *         ▲                 │ none                │ refused
 *         │                 ▼                     ▼
 *         └──lost──── sleeping (15-60 ms, 500 ms once it is quiet, or woken by a commit of this process)
 *
 * Only rows of transactions older than every running one are read (`tx < xmin`): a later commit can then never slip
 * in before the cursor. A crash between publishing and advancing publishes those rows again; the version guard of
 * the consumers drops them.
 */
import { z } from 'zod';
import { CodedError, fault, TransientError } from '@lead-flood/kernel';
import { classify } from './errors.ts';
import { sql } from './database.ts';
import type { Database, Queries } from './database.ts';
import { pruneJournal } from './journal.ts';
import type { OutboxMessage } from './outbox.ts';
import { fireDueTimers } from './timers.ts';
import { maintainOutbox } from './outbox-partitions.ts';

const ROWS_MAX = 2_000;
/** The broker's default limit for one partition's batch is 1 MiB; a send that exceeds it would never get past it. */
const SEND_BYTES_MAX = 800_000;
/** A commit of this process wakes us; these are for rows that an older transaction somewhere else still hides. */
const IDLE_MS_MIN = 15;
const IDLE_MS_MAX = 60;
/** Another replica's commit does not wake us; a line that has been quiet for a while may notice it a little later. */
const QUIET_MS = 500;
const QUIET_AFTER_MS = 3_000;
const RETRY_MS_MAX = 5_000;
const TIMERS_EVERY_MS = 1_000;
const MAINTAIN_EVERY_MS = 60 * 60_000;
/** Longer than any redelivery or replay can ask for an answer again. */
const JOURNAL_DAYS = 14;
/**
 * A process that is stopped holds its session, and by it the lock, for as long as the server believes in it: for ever, or two
 * hours where the whole machine has gone. Longer than a send to a broker that is away takes to fail.
 */
const SILENCE_MS = 45_000;
/** Keeps our advisory locks apart from those of other software in the same database. */
export const RELAY_LOCK_CLASS = 0x1eadf1;

export type RelayOptions = {
  readonly database: Database;
  /** Names the lock; one relay per schema. */
  readonly schema: string;
  readonly publish: (messages: readonly OutboxMessage[]) => Promise<void>;
  readonly onPublished?: (count: number) => void;
  readonly onError: (error: Error) => void;
  /** Milliseconds without a statement after which the server ends our session, and with it the lock. */
  readonly silenceMs?: number;
};

export type Relay = {
  /** Call after a commit that wrote to the outbox. */
  readonly wake: () => void;
  readonly stop: () => Promise<void>;
};

const row = z.object({
  tx_text: z.string(),
  seq: z.number(),
  topic: z.string(),
  key: z.string().nullable(),
  headers: z.string(),
  value: z.instanceof(Buffer).nullable(),
});
type Row = z.infer<typeof row>;

/** Everything up to here is published. Only the holder of the lock moves it. */
type Cursor = { readonly tx: string; readonly seq: number };

export function startRelay(options: RelayOptions): Relay {
  const stopping = new AbortController();
  let wakeUp: () => void = () => undefined;
  let woken = false;
  const wake = (): void => {
    woken = true;
    wakeUp();
  };

  // By hand, since an aborted timer of Node makes an exception with a stack for every commit that wakes us.
  const sleep = async (ms: number): Promise<void> => {
    if (!woken)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        wakeUp = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    woken = false;
  };

  const whole = run(options, sleep, stopping.signal);
  return {
    wake,
    stop: async () => {
      stopping.abort();
      wake();
      await whole;
    },
  };
}

async function run(options: RelayOptions, sleep: (ms: number) => Promise<void>, stopping: AbortSignal): Promise<void> {
  let failures = 0;
  while (!stopping.aborted) {
    try {
      await options.database.connect(async (connection) => {
        if (!(await lock(connection, options.schema))) return;
        failures = 0;
        const silenceMs = options.silenceMs ?? SILENCE_MS;
        await connection.query(sql.unsafe`select set_config('idle_session_timeout', ${String(silenceMs)}, false)`);
        await relayWhileHeld(options, connection, sleep, stopping);
        await connection.query(sql.unsafe`reset idle_session_timeout`);
        await connection.query(sql.unsafe`select pg_advisory_unlock(${RELAY_LOCK_CLASS}, hashtext(${options.schema}))`);
      });
    } catch (error) {
      failures += 1;
      options.onError(classify(error));
    }
    if (!stopping.aborted) await sleep(failures === 0 ? 1_000 : Math.min(100 * 2 ** failures, RETRY_MS_MAX));
  }
}

async function lock(connection: Queries, schema: string): Promise<boolean> {
  return connection.oneFirst(
    sql.type(
      z.object({ held: z.boolean() }),
    )`select pg_try_advisory_lock(${RELAY_LOCK_CLASS}, hashtext(${schema})) as held`,
  );
}

async function relayWhileHeld(
  options: RelayOptions,
  connection: Queries,
  sleep: (ms: number) => Promise<void>,
  stopping: AbortSignal,
): Promise<void> {
  let idleMs = IDLE_MS_MIN;
  let timersAt = 0;
  let maintainedAt = 0;
  let busyAt = Date.now();
  let cursor = await readCursor(connection);
  while (!stopping.aborted) {
    const now = Date.now();
    if (now - maintainedAt > MAINTAIN_EVERY_MS) {
      await maintainOutbox(connection);
      await pruneJournal(connection, JOURNAL_DAYS);
      maintainedAt = now;
    }
    if (now - timersAt > TIMERS_EVERY_MS) {
      await fireDueTimers(connection);
      timersAt = now;
    }
    const rows = await readNext(connection, cursor);
    if (rows.length > 0) cursor = await publishAndAdvance(options, connection, rows, cursor);
    if (rows.length < ROWS_MAX) {
      if (rows.length > 0) busyAt = now;
      idleMs =
        rows.length > 0 ? IDLE_MS_MIN : Math.min(idleMs * 2, now - busyAt > QUIET_AFTER_MS ? QUIET_MS : IDLE_MS_MAX);
      await sleep(idleMs);
    }
  }
}

async function readCursor(connection: Queries): Promise<Cursor> {
  return connection.one(sql.type(z.object({ tx: z.string(), seq: z.number() }))`
    select c.tx::text as tx, c.seq from relay_cursor c where slot = 0
  `);
}

/** The alias matters: `order by tx` beside `tx::text as tx` would sort the text and skip rows. */
async function readNext(connection: Queries, { tx, seq }: Cursor): Promise<readonly Row[]> {
  return connection.any(sql.type(row)`
    select o.tx::text as tx_text, o.seq, o.topic, o.key, o.headers, o.value
    from outbox o
    where (o.tx, o.seq) > (${tx}::xid8, ${seq}::bigint) and o.tx < pg_snapshot_xmin(pg_current_snapshot())
    order by o.tx, o.seq
    limit ${ROWS_MAX}
  `);
}

async function publishAndAdvance(
  options: RelayOptions,
  connection: Queries,
  rows: readonly Row[],
  cursor: Cursor,
): Promise<Cursor> {
  const last = rows.at(-1);
  if (last === undefined) return cursor;
  // Read by transaction, so that none is skipped; published by number, which within an aggregate is the order in which
  // its row was locked: of two transactions that ran side by side the older number may have written last.
  const ordered = rows.toSorted((a, b) => a.seq - b.seq);
  for (const chunk of chunksByBytes(ordered)) {
    await publishChunk(options, chunk.map(toMessage));
    await fault('relay.published');
    options.onPublished?.(chunk.length);
  }
  await advanceCursor(connection, cursor, last);
  return { tx: last.tx_text, seq: last.seq };
}

async function advanceCursor(connection: Queries, cursor: Cursor, last: Row): Promise<void> {
  await fault('relay.advance.before');
  // Not waited for on the disk: a cursor that a crash of Postgres sets back publishes those rows again, no more.
  const { rowCount } = await connection.query(sql.unsafe`
    update relay_cursor set tx = ${last.tx_text}::xid8, seq = ${last.seq}
    where slot = 0 and tx = ${cursor.tx}::xid8 and seq = ${cursor.seq}
      and set_config('synchronous_commit', 'off', true) = 'off'
  `);
  if (rowCount !== 1) throw new TransientError('PGS_ERR_NOT_OWNER', 'another relay has moved the cursor');
  await fault('relay.advance.after');
}

/**
 * A message that the broker refuses for its size must not stop the others: it is published as its key and headers, with
 * a mark; its bytes stay in the outbox until the day's partition goes.
 */
async function publishChunk(options: RelayOptions, messages: readonly OutboxMessage[]): Promise<void> {
  try {
    await options.publish(messages);
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'KFK_ERR_TOO_LARGE') throw error;
    options.onError(error);
    const [only] = messages;
    if (messages.length > 1) for (const message of messages) await publishChunk(options, [message]);
    else if (only !== undefined)
      await options.publish([
        { ...only, value: null, headers: { ...only.headers, 'too-large': String(only.value?.length ?? 0) } },
      ]);
  }
}

const toMessage = (r: Row): OutboxMessage => ({
  topic: r.topic,
  key: r.key,
  headers: JSON.parse(r.headers) as Record<string, string>,
  value: r.value,
});

/** Cuts so that no topic gets more than the limit in one send; a single larger record travels alone. */
function chunksByBytes(rows: readonly Row[]): Row[][] {
  const chunks: Row[][] = [];
  let current: Row[] = [];
  let bytesByTopic = new Map<string, number>();
  for (const next of rows) {
    const size = (next.value?.length ?? 0) + next.headers.length + 100;
    const total = (bytesByTopic.get(next.topic) ?? 0) + size;
    if (total > SEND_BYTES_MAX && current.length > 0) {
      chunks.push(current);
      current = [];
      bytesByTopic = new Map();
    }
    current.push(next);
    bytesByTopic.set(next.topic, (bytesByTopic.get(next.topic) ?? 0) + size);
  }
  if (current.length > 0) chunks.push(current);
  return chunks;
}
