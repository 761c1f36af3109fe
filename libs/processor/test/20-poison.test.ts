/**
 * Chapter 20: poison.
 *
 * No input of one member may stop another, whatever the reason turns out to be. Two nets, one behind the other:
 *
 *   record ──▶ decode ── a text that two readers see differently ─────────▶ dead letter   (known kinds, at once)
 *                │
 *                ▼
 *              batch ── the database refuses, or conflicts try after try ──▶ halved until one message stands alone
 *                                                                            ─▶ dead letter (unknown kinds, in seconds)
 *
 * Only where our own statement or schema is to blame the group stops, for then every message would go that way.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { topics } from '@lead-flood/contracts';
import type { LeadSubmitted } from '@lead-flood/contracts';
import { deadLetterFacts } from '@lead-flood/kafka';
import type { OutgoingRecord } from '@lead-flood/kafka';
import { apply, derivedId, TransientError } from '@lead-flood/kernel';
import { sql } from '@lead-flood/postgres';
import { batchProcessor, effectProcessor } from '@lead-flood/processor';
import type { BatchProcessor, Starter, Store } from '@lead-flood/processor';
import { createLine, encodeTestEvent, sampleId, sampleSubmitted } from '@lead-flood/testing';
import type { Line } from '@lead-flood/testing';
import type { Tally } from './example.ts';
import { at, company, counts, createAppraiser, createWorld, enriched, tallies, tally } from './example.ts';

const reads = [topics['ingest.lead.v1']] as const;

/** Counts leads by the source's id: a processor on a topic that outsiders write. */
const intake: BatchProcessor<Tally, typeof reads, readonly []> = {
  group: 'intake',
  reads,
  writes: [],
  store: tallies,
  initial: tally.initial,
  keyOf: ({ data }) => derivedId(data.source, data.externalId ?? ''),
  decide: { LeadSubmitted: (state) => apply({ ...state, count: state.count + 1 }) },
};

let line: Line;
afterEach(() => line.close());

const submitted = (overrides: Partial<LeadSubmitted>): OutgoingRecord =>
  encodeTestEvent(line.codec, { name: 'LeadSubmitted', data: sampleSubmitted(overrides) });
const person = sampleSubmitted().person;
const good = (externalId: string): OutgoingRecord =>
  submitted({ orgId: sampleId('another organisation'), source: 'good', externalId });

const codesOf = async (group: string) =>
  (await line.records(`${group}.dead-letter.v1`)).map((letter) => deadLetterFacts(letter)?.code);

describe('on a topic that outsiders write', () => {
  it.each<[string, Partial<LeadSubmitted>]>([
    ['NUL in an id of theirs', { externalId: 'k\u00001' }],
    ['NUL in a name', { person: { ...person, firstName: 'A\u0000da' } }],
    ['NUL in the name of a custom field', { attributes: { 'a\u0000b': 'x' } }],
    ['an id of 8,000 characters', { externalId: 'x'.repeat(8_000) }],
    [
      'an address of 8,000 characters',
      { person: { ...person, linkedinUrl: `https://x.example/${'y'.repeat(8_000)}` } },
    ],
    ['an id of ours in capitals', { icpId: sampleId('icp').toUpperCase() }],
    ['an id of ours in braces', { projectId: `{${sampleId('project')}}` }],
    ['an id of ours without hyphens', { jobId: sampleId('job').replaceAll('-', '') }],
  ])('%s is set aside, and the lead of another organisation behind it passes', async (_name, overrides) => {
    line = await createLine(batchProcessor(intake), at);
    await line.publishRaw(submitted(overrides), good('after'));
    await line.start();
    await line.caughtUp();
    expect(await codesOf('intake')).toEqual(['PRC_ERR_BAD_TEXT']);
    expect(await counts(line.database)).toEqual({ [derivedId('good', 'after')]: 1 });
  });

  it('an id of theirs may be spelt as they like', async () => {
    line = await createLine(batchProcessor(intake), at);
    await line.publishRaw(submitted({ source: 'crm', externalId: sampleId('theirs').toUpperCase() }));
    await line.start();
    await line.caughtUp();
    expect(await codesOf('intake')).toEqual([]);
  });

  it('garbage, however much of it, is set aside and stops nobody', async () => {
    line = await createLine(batchProcessor(intake), at);
    const garbage = { topic: 'ingest.lead.v1', key: null, value: Buffer.from('garbage'), headers: {} };
    await line.publishRaw(...Array.from({ length: 40 }, () => garbage), good('after'));
    await line.start();
    await line.caughtUp();
    expect(await codesOf('intake')).toEqual(Array.from({ length: 40 }, () => 'KFK_ERR_NO_MAGIC_BYTE'));
    expect(await counts(line.database)).toEqual({ [derivedId('good', 'after')]: 1 });
  });
});

/** A database that has something against every transaction with this employer in it. */
const against = (name: string, refuse: (tx: Parameters<Store<Tally>['save']>[0]) => Promise<void>): Store<Tally> => ({
  ...tallies,
  save: async (tx, rows) => {
    if (rows.some(({ state }) => state.employer === name)) await refuse(tx);
    await tallies.save(tx, rows);
  },
});

const raise =
  (state: string): Parameters<typeof against>[1] =>
  async (tx) => {
    await tx.query(sql.unsafe`select set_config('manual.state', ${state}, true)`);
    await tx.query(
      sql.unsafe`do $$ begin raise exception 'no' using errcode = current_setting('manual.state'); end $$`,
    );
  };
const conflict = (): Promise<void> => Promise.reject(new TransientError('PGS_ERR_CONFLICT', 'met again, as always'));

const shells: readonly (readonly [string, string, (store: Store<Tally>) => Starter])[] = [
  ['batch shell', 'tally', (store) => batchProcessor({ ...tally, store })],
  ['effect runner', 'appraise', (store) => effectProcessor({ ...createAppraiser(createWorld()), store })],
];

describe.each(shells)('in the %s', (_shell, group, starterOf) => {
  it.each([
    ['an index row that is too large (54000)', raise('54000'), 'PRC_ERR_UNSTORABLE'],
    ['one row twice in a statement (21000)', raise('21000'), 'PRC_ERR_UNSTORABLE'],
    ['a state that nobody thought of (P0001)', raise('P0001'), 'PRC_ERR_UNSTORABLE'],
    ['a conflict in every try', conflict, 'PRC_ERR_NO_PROGRESS'],
  ])('%s is one message’s fault, and the others pass', async (_name, refuse, code) => {
    line = await createLine(starterOf(against('Poison AB', refuse)), at);
    await line.publish(
      ...Array.from({ length: 20 }, (_, i) => enriched(`before-${i}`, 1)),
      enriched('poison', 1, company('Poison AB')),
      ...Array.from({ length: 20 }, (_, i) => enriched(`after-${i}`, 1)),
    );
    await line.start();
    await line.caughtUp();
    expect(await codesOf(group)).toEqual([code]);
    expect(Object.keys(await counts(line.database))).toHaveLength(40);
  });
});
