/**
 * Chapter 15: events without meaning.
 *
 * A topic carries all events of its aggregate, and a processor that wants one of them is handed the others too. It
 * names those that it reads (`only`), and the shells pass the others undecoded:
 *
 *   record ──schema id──▶ not read? ──yes──▶ counted, position moves on       (no decoding, no state, no decision)
 *                            └──no──▶ decode ─▶ load ─▶ decide
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { only, topics } from '@lead-flood/contracts';
import { batchProcessor, effectProcessor, silentTelemetry } from '@lead-flood/processor';
import type { Running, Starter } from '@lead-flood/processor';
import { createLine, encodeTestEvent, eventually, sampleId } from '@lead-flood/testing';
import type { Line } from '@lead-flood/testing';
import {
  at,
  countOf,
  counts,
  createAppraiser,
  createWorld,
  enriched,
  enrichmentFailed,
  rowsIn,
  startOn,
  tally,
} from './example.ts';

const reads = [only(topics['enrichment.lead.v1'], ['LeadEnriched'])] as const;
const batch = batchProcessor({ ...tally, reads });
const judging = createAppraiser(createWorld());
const effect = effectProcessor({ ...judging, reads });

describe.each<[string, Starter]>([
  ['the batch shell', batch],
  ['the effect runner', effect],
])('an event that is not read, in %s', (_name, starter) => {
  const skipped: string[] = [];
  let line: Line;
  let running: Running;
  beforeAll(async () => {
    line = await createLine(starter, at);
    const failed = enrichmentFailed('bea', 'failed');
    const unreadable = encodeTestEvent(line.codec, failed);
    // Its schema id says what it is; the rest says nothing.
    const value =
      unreadable.value === null ? null : Buffer.concat([unreadable.value.subarray(0, 5), Buffer.alloc(3, 255)]);
    await line.publish(enriched('ada', 1), failed);
    await line.publishRaw({ ...unreadable, value });
    await line.publish(enriched('ada', 2));
    running = await startOn(line, starter, {
      telemetry: {
        ...silentTelemetry,
        outcome: (_group, topic, outcome, reason) => {
          if (outcome === 'skipped') skipped.push(`${topic} ${reason}`);
        },
      },
    });
    // The last one of its key: what stands before it is dealt with.
    await eventually(
      'all to be passed or counted',
      async () => skipped.length >= 2 && (await countOf(line.database, 'ada')) === 2,
    );
  });
  afterAll(async () => {
    await running.stop();
    await line.close();
  });

  it('is passed and counted, and its bytes are not looked at', async () => {
    expect(skipped).toEqual(Array.from({ length: 2 }, () => 'enrichment.lead.v1 not_read'));
    expect(await line.records(`${starter.group}.dead-letter.v1`)).toEqual([]);
  });

  it('has no state, and those beside it do', async () => {
    expect(await rowsIn(line.database, 'tallies')).toBe(1);
    expect(await counts(line.database)).toEqual({ [sampleId('ada')]: 2 });
  });
});
