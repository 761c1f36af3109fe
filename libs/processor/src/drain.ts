/**
 * Parked keys again: a key's messages are decided in the order in which they came, in transactions of their own, by the
 * same decisions as ever. The first that is rejected again ends it, and the key stays parked from there on.
 *
 *   rejected ──▶ dead letter, and parked with its code ─┐
 *   later messages of the key ──▶ parked ───────────────┴─▶ drain, in order ──▶ decided ──▶ the key is free
 *                                                                 └─ rejected again: stop, the rest waits
 */
import type { Codec, RawRecord } from '@lead-flood/kafka';
import type { Clock } from '@lead-flood/kernel';
import { invariant } from '@lead-flood/kernel';
import type { Database, ParkedMessage } from '@lead-flood/postgres';
import { endParked, insertOutbox, insertTimers, lockForDrain, readParked } from '@lead-flood/postgres';
import type { Queries } from '@lead-flood/postgres';
import { placeInputs } from './batch.ts';
import type { DecodedInput, Decoding } from './decode.ts';
import { decodeRecord, decodingOf, isPassed, isRefused, learnSchemas } from './decode.ts';
import { fold, toFoldInputs } from './fold.ts';
import type { Untyped } from './processor.ts';

export type Drained = {
  /** Decided, whatever the decision was. */
  readonly drained: number;
  /** Given up because it was asked for. */
  readonly dropped: number;
  /** Why it ended early; null: the key is free. */
  readonly stoppedBy: string | null;
};

export type DrainDeps = {
  readonly database: Database;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly wakeRelay: () => void;
  readonly topicPrefix?: string;
  /** For those who want it on record: called in each of the drain's transactions, with what that one has done. */
  readonly note?: (tx: Queries, done: Drained) => Promise<void>;
};

/** The group's batches stand still for the transaction that drains: one of some tens of milliseconds. */
const TOGETHER_MAX = 100;

/** `dropFirst` gives up the message whose reject has parked the key; its dead letter stays. */
export async function drainKey(
  processor: Untyped,
  deps: DrainDeps,
  { key, dropFirst }: { readonly key: string; readonly dropFirst: boolean },
): Promise<Drained> {
  const decoding = decodingOf(processor, deps.codec, deps.topicPrefix);
  let drained = 0;
  let dropped = 0;
  for (;;) {
    const waiting = await readParked(deps.database, processor.group, key, TOGETHER_MAX);
    if (waiting.length === 0) return { drained, dropped, stoppedBy: null };
    await learnSchemas(
      deps.codec,
      waiting.map((message) => toRecord(message)),
    );
    const done = await deps.database.transaction(async (tx) => {
      await lockForDrain(tx, processor.group);
      const messages = await readParked(tx, processor.group, key, TOGETHER_MAX);
      const first = dropFirst && dropped === 0 && (messages[0]?.code ?? null) !== null ? messages.slice(0, 1) : [];
      const part = await decideInOrder(processor, deps, tx, { messages, first, decoding });
      await deps.note?.(tx, part);
      return part;
    });
    drained += done.drained;
    dropped += done.dropped;
    deps.wakeRelay();
    if (done.stoppedBy !== null) return { drained, dropped, stoppedBy: done.stoppedBy };
  }
}

async function decideInOrder(
  processor: Untyped,
  deps: DrainDeps,
  tx: Queries,
  part: { messages: readonly ParkedMessage[]; first: readonly ParkedMessage[]; decoding: Decoding },
): Promise<Drained> {
  const rest = part.messages.slice(part.first.length);
  const inputs = rest.flatMap((message): (DecodedInput & { readonly message: ParkedMessage })[] => {
    const input = decodeRecord(part.decoding, toRecord(message));
    // It could be read when it was parked; a version since then may have stopped to mean anything by it.
    invariant(!isRefused(input), `${processor.group}: a parked message cannot be read`);
    return isPassed(input) ? [] : [{ ...input, message }];
  });
  const events = inputs.map(({ event }) => event);
  const placed = await placeInputs(processor, tx, events);
  const loaded = await processor.store.load(tx, [...new Set(placed.map((p) => p.key))]);
  const folded = fold(
    { ...processor, parks: true },
    deps.codec,
    toFoldInputs(processor, events, placed, { guarded: true }),
    loaded,
    deps.clock.now(),
  );
  const stop = folded.outcomes.findIndex(({ parks }) => parks === true);
  const stoppedAt = inputs[stop]?.message;
  const decided = stoppedAt === undefined ? rest : rest.slice(0, rest.indexOf(stoppedAt));
  await processor.store.save(tx, folded.saves);
  await insertOutbox(tx, folded.outbox);
  await insertTimers(tx, folded.timers);
  await endParked(tx, processor.group, [...part.first, ...decided]);
  return {
    drained: decided.length,
    dropped: part.first.length,
    stoppedBy: stop === -1 ? null : (folded.outcomes[stop]?.reason ?? ''),
  };
}

const toRecord = (message: ParkedMessage): RawRecord => ({
  topic: message.topic,
  partition: message.partition,
  offset: message.offset,
  timestamp: message.timestampMs,
  key: message.recordKey,
  value: message.value,
  headers: JSON.parse(message.headers) as Record<string, string>,
});
