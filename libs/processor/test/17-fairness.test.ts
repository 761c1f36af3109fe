/**
 * Chapter 17: fairness.
 *
 * Calls to the outside world are slow and few may be under way at once, so they are what organisations compete for. The
 * effect runner gives a place that is free to each organisation in turn, so one with an import does not keep the few leads
 * of another waiting behind it. The order within a key stays what it is:
 *
 *   fetched   a1 a2 a3 a4 a5 .. a60  b1 b2        two places
 *   started   a1 a2 │ a3 b1 a4 b2 a5 ..
 *
 * Fair is what has been fetched; what lies in Kafka behind more than that is out of reach. Large imports are therefore
 * let in at the pace of the line (ingest-gateway, admission).
 *
 * More than one full load is not fetched while it waits: the backlog stays in Kafka.
 *
 * What changes only our own database makes nobody wait for the outside world, but a fetch behind a backlog is many
 * transactions. Each of them takes something of every partition (fair-chunks.ts).
 */
import { afterEach, describe, expect, it } from 'vitest';
import { batchProcessor, effectProcessor, shellDefaults, silentTelemetry } from '@lead-flood/processor';
import { createLine, eventually, sampleId } from '@lead-flood/testing';
import type { Line } from '@lead-flood/testing';
import { at, createAppraiser, createWorld, enriched, startOn, tally } from './example.ts';

const LARGE = 60;
const LOT = 10;
const [acme, bolt] = [sampleId('acme'), sampleId('bolt')];

describe('an organisation with few leads beside one with many', () => {
  let line: Line;
  afterEach(() => line.close());

  it('has its calls start among the first, not behind all of the other’s', async () => {
    const gate = Promise.withResolvers<undefined>();
    const world = createWorld(async () => {
      await gate.promise;
      return 7;
    });
    line = await createLine(effectProcessor(createAppraiser(world, { inFlightMax: 2, deadlineMs: 5_000 })), at);
    const of = (orgId: string, name: string, count: number) =>
      Array.from({ length: count }, (_, i) => enriched(`${name}-${i}`, 1, { orgId }));
    await line.publish(...of(acme, 'acme', LARGE), ...of(bolt, 'bolt', 2));
    await line.start();
    gate.resolve(undefined);
    await line.caughtUp();
    const few = ['bolt-0', 'bolt-1'].map((lead) => world.asked.indexOf(sampleId(lead)));
    expect(world.asked).toHaveLength(LARGE + 2);
    // Two started before they came; from then on it is every other place.
    expect(Math.max(...few)).toBeLessThan(12);
    expect(world.inFlightMost).toBe(2);
  });
});

describe('what is fetched and cannot start', () => {
  let line: Line;
  afterEach(() => line.close());

  it('is a bounded part of the backlog: the rest stays in Kafka, where its lag can be seen', async () => {
    const gate = Promise.withResolvers<undefined>();
    const world = createWorld(async () => {
      await gate.promise;
      return 7;
    });
    const appraiser = effectProcessor(createAppraiser(world, { inFlightMax: 2, deadlineMs: 60_000 }));
    line = await createLine(appraiser, at);
    let round = 0;
    const publish = (): Promise<void> => {
      round += 1;
      return line.publish(...Array.from({ length: LOT }, (_, i) => enriched(`lead-${round}-${i}`, 1)));
    };
    let fetched = 0;
    const codec: typeof line.codec = {
      ...line.codec,
      decode: (value) => {
        fetched += 1;
        return line.codec.decode(value);
      },
    };
    // Reads the same topic: when it has had a message, the one that we watch could have had it as well.
    let elsewhere = 0;
    const other = batchProcessor({
      ...tally,
      group: 'other',
      store: { ...tally.store, save: () => Promise.resolve() },
    });
    await publish();
    const running = [
      await startOn(line, appraiser, { codec }),
      await startOn(line, other, { telemetry: { ...silentTelemetry, outcome: () => (elsewhere += 1) } }),
    ];
    try {
      await eventually('a full load', () => world.inFlight === 2 && fetched >= LOT);
      for (let i = 0; i < 5; i += 1) {
        await publish();
        await eventually('the other to have it', () => elsewhere >= round * LOT);
      }
      expect(fetched).toBe(LOT);
      gate.resolve(undefined);
      await eventually('all to be asked for', () => world.asked.length === round * LOT);
    } finally {
      gate.resolve(undefined);
      for (const one of running) await one.stop();
    }
  });
});

describe('a fetch that is more than one transaction', () => {
  let line: Line;
  afterEach(() => line.close());

  it('moves every partition with the first of them', async () => {
    const decided: string[] = [];
    const recorded: typeof tally = {
      ...tally,
      decide: {
        ...tally.decide,
        LeadEnriched: (state, event, ctx) => {
          decided.push(event.key);
          return tally.decide.LeadEnriched(state, event, ctx);
        },
      },
    };
    line = await createLine(batchProcessor(recorded, { ...shellDefaults, batchMessagesMax: 9 }), at);
    const leads = Array.from({ length: 12 }, (_, i) => `lead-${i}`);
    await line.publish(...leads.flatMap((lead) => [1, 2, 3, 4, 5].map((version) => enriched(lead, version))));
    const partitions = new Map(
      (await line.records('enrichment.lead.v1')).map(({ key, partition }) => [key?.toString(), partition]),
    );
    await line.start();
    await line.caughtUp();
    const together = decided.slice(0, 9).map((key) => partitions.get(key));
    expect(new Set(together)).toEqual(new Set(partitions.values()));
    expect(partitions.size).toBe(12);
  });
});
