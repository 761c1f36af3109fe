/**
 * Clocks as events. Every replica of a service runs a ticker; the one that holds the lease writes the tick of each period
 * into the outbox, and whoever does something every so often is a consumer of the tick.
 *
 *   waiting ──lease──▶ holding ──a tick is due──▶ [ fence, newest period, outbox: one transaction ] ──▶ holding
 *      ▲                  │                                   │ PGS_ERR_LEASE_LOST
 *      └──────────────────┴────── another took over ──────────┘
 *
 * A tick's message id follows from its name and period and its version is the period, so that one which is written
 * twice is the same message, and every consumer's version guard drops the second. Periods that passed while nobody held
 * the lease are not caught up with: only the running one is written. A round that fails is tried again at the next one.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Codec } from '@lead-flood/kafka';
import { CodedError, derivedId, fault, platformOrg, randomId, toError } from '@lead-flood/kernel';
import type { Database, DueTick, OutboxMessage, Tick } from '@lead-flood/postgres';
import { advanceTicks, holdLease, insertOutbox, releaseLease, takeLease, untilNextTick } from '@lead-flood/postgres';
import { encodeEvent } from './encode.ts';

/** Most time between two looks at the lease: one statement each, by every replica. */
const ROUND_MS = 5_000;
/** After three looks that did not come, somebody else may take over. */
const LEASE_MS = 3 * ROUND_MS;

export type TickerOptions = {
  readonly ticks: readonly Tick[];
  readonly database: Database;
  readonly codec: Pick<Codec, 'encode'>;
  /** Called after a commit that wrote to the outbox. */
  readonly wakeRelay: () => void;
  /** Milliseconds that only go forward. Says when to look; what is due is said by the database's clock. */
  readonly elapsed?: () => number;
};

export type Ticker = {
  /** Looks once and writes what is due; resolves with the milliseconds until it should look again. */
  readonly round: () => Promise<number>;
  /** Gives the lease back. */
  readonly release: () => Promise<void>;
};

export function createTicker({ ticks, database, codec, wakeRelay, elapsed }: TickerOptions): Ticker {
  const now = elapsed ?? (() => performance.now());
  const lease = { name: 'ticker', holder: randomId(), ttlMs: LEASE_MS };
  const known = { fence: 0, nextAt: 0 };

  async function round(): Promise<number> {
    const fence = await takeLease(database, lease);
    if (fence === null) return ROUND_MS;
    await fault('ticker.taken');
    // What is known of the next tick is out of date when somebody else has ticked meanwhile.
    if (fence === known.fence && now() < known.nextAt) return untilNextLook();
    const written = await write(fence);
    if (written === null) return ROUND_MS;
    if (written > 0) wakeRelay();
    known.nextAt = now() + (await untilNextTick(database, ticks));
    known.fence = fence;
    return untilNextLook();
  }

  const untilNextLook = (): number => Math.max(0, Math.min(ROUND_MS, known.nextAt - now()));

  /** How many ticks were written; null when somebody else has taken over since we looked. */
  async function write(fence: number): Promise<number | null> {
    try {
      return await database.transaction(async (tx) => {
        await holdLease(tx, lease.name, fence);
        const due = await advanceTicks(tx, ticks);
        await insertOutbox(
          tx,
          due.map((tick) => tickMessage(codec, tick)),
        );
        return due.length;
      });
    } catch (error) {
      if (error instanceof CodedError && error.code === 'PGS_ERR_LEASE_LOST') return null;
      throw error;
    }
  }

  return { round, release: () => releaseLease(database, lease) };
}

/** The tick as a message: the same bytes, key and id whoever writes it, and however often. */
export function tickMessage(codec: Pick<Codec, 'encode'>, { name, period, dueAt }: DueTick): OutboxMessage {
  const job = `${name}:${period}`;
  return encodeEvent(
    codec,
    { name: 'Ticked', data: { orgId: platformOrg, tick: name, period, dueAt } },
    {
      cause: { id: derivedId('tick', job), orgId: platformOrg, correlationId: job, traceparent: null },
      group: 'ticker',
      ordinal: 0,
      version: period,
    },
  );
}

export type RunningTicker = { readonly stop: () => Promise<void> };

/** Rounds until it is stopped; a replica that ends in order leaves the lease to the next one. */
export function startTicker(options: TickerOptions & { readonly onError: (error: Error) => void }): RunningTicker {
  const { onError } = options;
  const ticker = createTicker(options);
  const stopping = new AbortController();
  const roundSafely = (): Promise<number> =>
    ticker.round().catch((error: unknown) => {
      onError(toError(error));
      return ROUND_MS;
    });
  const whole = (async () => {
    while (!stopping.signal.aborted) {
      const ms = await roundSafely();
      // The only way for it to fail is the stop.
      await delay(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
    await ticker.release().catch((error: unknown) => {
      onError(toError(error));
    });
  })();
  return {
    stop: async () => {
      stopping.abort();
      await whole;
    },
  };
}
