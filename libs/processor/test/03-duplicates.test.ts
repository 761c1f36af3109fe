/**
 * Chapter 03: duplicates.
 *
 * Every message may come twice: a relay that crashed between publishing and noting it publishes again, an upstream
 * system sends again. Nobody can prevent that, so every consumer drops what it has seen. Each event of ours carries the
 * count of its aggregate's events (its version); the state remembers the last one applied, by source and record key:
 *
 *   seen {enrichment.lead.v1: 2}      version 1 ▶ drop    version 2 ▶ drop    version 3 ▶ decide
 *
 * Foreign writers count nothing. There the decision itself, or a unique key of the table, must recognise the repeat.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { derivedId } from '@lead-flood/kernel';
import { batchProcessor } from '@lead-flood/processor';
import type { BatchProcessor } from '@lead-flood/processor';
import { createLine, encodeTestEvent, sampleId, sampleOrg } from '@lead-flood/testing';
import type { Line } from '@lead-flood/testing';
import type { Tally, TallyCommands } from './example.ts';
import { at, counts, countOf, enriched, enrichmentFailed, tallies, tally } from './example.ts';

describe('a message that comes again', () => {
  let line: Line;
  beforeAll(async () => {
    line = await createLine(batchProcessor(tally), at);
    await line.start();
  });
  afterAll(() => line.close());

  it('is dropped within one batch and in a later one', async () => {
    await line.publish(enriched('ada', 1), enriched('ada', 1), enriched('ada', 2));
    await line.caughtUp();
    await line.publish(enriched('ada', 2), enriched('ada', 1));
    await line.caughtUp();
    expect(await countOf(line.database, 'ada')).toBe(2);
    expect(line.outcomes.get('duplicate:version')).toBe(3);
  });

  it('is dropped too when a newer one has overtaken it: the state never goes back', async () => {
    await line.publish(enriched('bea', 5), enriched('bea', 4));
    await line.caughtUp();
    expect(await countOf(line.database, 'bea')).toBe(1);
  });

  it('is dropped too when somebody has written another origin on it', async () => {
    const [first, again] = ['one', 'two'].map((origin) => {
      const record = encodeTestEvent(line.codec, enriched('eve', 1));
      return { ...record, headers: { ...record.headers, origin: line.prefix + origin } };
    });
    if (first === undefined || again === undefined) throw new Error('two records');
    await line.publishRaw(first, again);
    await line.caughtUp();
    expect(await countOf(line.database, 'eve')).toBe(1);
  });

  it('without a version is recognised by what the decision remembers', async () => {
    await line.publish(
      enrichmentFailed('cyd', 'failure-1'),
      enrichmentFailed('cyd', 'failure-1'),
      enrichmentFailed('cyd', 'failure-2'),
    );
    await line.caughtUp();
    const row = await tallies.loadOf(line.database, sampleOrg, sampleId('cyd'));
    expect(row?.state.failures).toEqual([sampleId('failure-1'), sampleId('failure-2')]);
    expect(line.outcomes.get('skipped:seen_before')).toBe(1);
  });
});

describe('a state whose key is not the record’s key', () => {
  /** Counts per employer: `keyOf` says whose state an input changes. */
  const perEmployer: BatchProcessor<Tally, typeof tally.reads, typeof tally.writes, undefined, TallyCommands> = {
    group: 'per-employer',
    reads: tally.reads,
    writes: tally.writes,
    store: tally.store,
    initial: tally.initial,
    decide: tally.decide,
    keyOf: ({ data }) => derivedId('employer', 'company' in data ? (data.company.domain ?? '') : ''),
  };
  let line: Line;
  beforeAll(async () => {
    line = await createLine(batchProcessor(perEmployer), at);
    await line.start();
  });
  afterAll(() => line.close());

  it('tells the first event of one lead from the first event of another', async () => {
    // Both leads work for the same employer and both carry version 1: neither is a repeat of the other.
    await line.publish(enriched('ada', 1), enriched('bea', 1), enriched('bea', 1));
    await line.caughtUp();
    expect(await counts(line.database)).toEqual({ [derivedId('employer', 'aurora.se.example')]: 2 });
    const row = await tallies.loadOf(line.database, sampleOrg, derivedId('employer', 'aurora.se.example'));
    expect(row?.seen).toEqual({
      [`enrichment.lead.v1/${sampleId('ada')}`]: 1,
      [`enrichment.lead.v1/${sampleId('bea')}`]: 1,
    });
  });
});
