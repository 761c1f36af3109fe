/**
 * Chapter 18: at the same time.
 *
 * A partition has one owner, except for the moment in which a former one has not noticed; a key is changed by its stream
 * and by commands beside it; the relay publishes while all of that goes on. Whoever of them is quicker, each message is
 * decided once, the late owner is refused, and the events leave in the order in which the row grew. fast-check says who
 * makes the next step, from one fault point to the next, and says it in sixty different ways:
 *
 *   owner        claim ─ load ─ advance ─ save ─ outbox ─ commit
 *   late owner       claim ─ load ─ advance ✗
 *   command      load ─ save ─ commit            the same row: one of the two is repeated
 *   relay        read ─ send ─ advance the cursor
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProducer, headerNames, headerText } from '@lead-flood/kafka';
import type { Codec } from '@lead-flood/kafka';
import { systemClock, TransientError } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import { claimPositions, readPositions, startRelay } from '@lead-flood/postgres';
import { batchProcessor, createApplier, silentTelemetry } from '@lead-flood/processor';
import {
  createBench,
  createMemoryBroker,
  emptyTables,
  encodeTestEvent,
  eventually,
  interleave,
  sampleId,
  sampleOrg,
  testCodec,
} from '@lead-flood/testing';
import type { Actor, Bench, MemoryBroker, Scheduler } from '@lead-flood/testing';
import { commitBatch } from '../src/batch.ts';
import { decodeRecord, decodingOf, isPassed, isRefused, learnSchemas } from '../src/decode.ts';
import { at, countOf, enriched, rowsIn, tally } from './example.ts';

const RUNS = 60;
const MESSAGES = 3;
const BY = 10;
const { processor } = batchProcessor(tally);
const topic = 'enrichment.lead.v1';

type Owner = { epoch: number; late: boolean; end: 'done' | 'refused' | 'nothing to do' };

let bench: Bench;
let codec: Codec;
/** Late owners that came to write, over all runs. */
let refusals = 0;
beforeAll(async () => {
  bench = await createBench(at, 10);
  codec = await testCodec();
});
afterAll(() => bench.close());

/** One run: what the actors share. */
function createScene(database: Database, broker: MemoryBroker) {
  const newest = { epoch: 0 };
  const owners: Owner[] = [];
  const relayed = { relay: null as ReturnType<typeof startRelay> | null };
  const wakeRelay = (): void => relayed.relay?.wake();
  const records = broker.records(topic);
  const groupAt = { topic, partition: records[0]?.partition ?? 0 };
  const inputs = records
    .map((record) => decodeRecord(decodingOf(processor, codec), record))
    .flatMap((input) => (isRefused(input) || isPassed(input) ? [] : [input]));

  /** Goes on like the shell: again after what may pass, until the partition turns out to be somebody else's. */
  function owner(name: string): Actor {
    const self: Owner = { epoch: 0, late: false, end: 'nothing to do' };
    owners.push(self);
    return {
      name,
      onPoint: (point) => {
        if (point === 'processor.loaded') self.late = newest.epoch > self.epoch;
      },
      act: async () => {
        const [claimed] = await claimPositions(database, processor.group, [groupAt]);
        const { epoch, nextOffset } = claimed ?? { epoch: 0, nextOffset: MESSAGES };
        self.epoch = epoch;
        newest.epoch = Math.max(newest.epoch, epoch);
        const rest = inputs.filter(({ record }) => record.offset >= nextOffset);
        const place = { ...groupAt, epoch, expectedOffset: nextOffset, nextOffset: MESSAGES, finished: [] };
        while (rest.length > 0) {
          try {
            const batch = { inputs: rest, refused: [], advances: [place] };
            await commitBatch(processor, { database, codec, now: Date.now() }, batch);
            self.end = 'done';
            wakeRelay();
            return;
          } catch (error) {
            if (!(error instanceof TransientError)) throw error;
            if (error.code !== 'PGS_ERR_NOT_OWNER') continue;
            self.end = 'refused';
            return;
          }
        }
      },
    };
  }

  const command = (name: string): Actor => ({
    name,
    act: async () => {
      const applier = createApplier(tally, {
        database,
        codec,
        clock: systemClock,
        wakeRelay,
        telemetry: silentTelemetry,
      });
      const data = { orgId: sampleOrg, leadId: sampleId('ada'), by: BY };
      const id = sampleId(name);
      await applier.apply({ name: 'AddToTally', key: data.leadId, orgId: sampleOrg, correlationId: id, id, data });
    },
  });

  const relay: Actor = {
    name: 'relay',
    act: async () => {
      const producer = await createProducer(broker.client());
      relayed.relay = startRelay({ database, schema: at.schema, publish: producer.send, onError: () => undefined });
    },
  };

  return { owner, owners, command, relay, stop: () => relayed.relay?.stop() };
}

/** The end of any order: everything once, versions and sums as they grew. */
async function expectEnd(database: Database, broker: MemoryBroker, commands: number): Promise<void> {
  const changes = MESSAGES + commands;
  const heard = await eventually('all to be published', () => {
    const records = broker.records('scoring.lead.v1');
    const byId = new Map(records.map((record) => [headerText(record.headers, headerNames.messageId), record]));
    return byId.size >= changes && [...byId.values()];
  });
  expect(await countOf(database, 'ada')).toBe(MESSAGES + commands * BY);
  expect(await rowsIn(database, 'outbox')).toBe(changes);
  const versions = heard.map(({ headers }) => Number(headerText(headers, headerNames.version)));
  expect(versions).toEqual(Array.from({ length: changes }, (_, i) => i + 1));
  await learnSchemas(codec, heard);
  const sums = heard.map(({ value }) => {
    const decoded = codec.decode(value);
    return decoded.ok ? (decoded.data as { value: number }).value : Number.NaN;
  });
  const grown = sums.map((sum, i) => sum - (sums[i - 1] ?? 0)).toSorted((a, b) => a - b);
  expect(grown).toEqual([...Array.from({ length: MESSAGES }, () => 1), ...Array.from({ length: commands }, () => BY)]);
}

async function run(scheduler: Scheduler, ownerNames: readonly string[], commandNames: readonly string[]) {
  const database = await bench.own();
  await emptyTables(bench.test.database);
  const broker = createMemoryBroker();
  broker.append(Array.from({ length: MESSAGES }, (_, i) => encodeTestEvent(codec, enriched('ada', i + 1))));
  await learnSchemas(codec, broker.records(topic));
  const scene = createScene(database, broker);
  const actors = [...ownerNames.map(scene.owner), ...commandNames.map(scene.command)];
  try {
    await interleave(scheduler, actors, [scene.relay]);
    await expectEnd(database, broker, commandNames.length);
  } finally {
    await scene.stop();
  }
  refusals += scene.owners.filter(({ late, end }) => late && end === 'refused').length;
  expect(scene.owners.filter(({ end }) => end === 'done')).toHaveLength(1);
  expect(scene.owners.filter(({ late, end }) => late && end === 'done')).toEqual([]);
  expect((await readPositions(database, processor.group)).map(({ nextOffset }) => nextOffset)).toEqual([MESSAGES]);
}

describe('whoever makes the next step', () => {
  it.each([
    ['an owner, a late owner, a command on the same key and the relay', ['owner', 'other owner'], ['command']],
    ['an owner, two commands on the same key and the relay', ['owner'], ['command', 'other command']],
  ])('%s end with every message decided once, in order', async (_name, owners, commands) => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), (scheduler) => run(scheduler, owners, commands)),
      { numRuns: RUNS, endOnFailure: true },
    );
    console.info(
      `${RUNS} orders of ${owners.length + commands.length} actors and the relay, ${refusals} late owners refused`,
    );
    expect(refusals > 0).toBe(owners.length > 1);
    refusals = 0;
  });
});
