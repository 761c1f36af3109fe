/**
 * Chapter 02: a batch.
 *
 * Around the decisions stands the batch shell. Whatever a fetch brought, from any number of partitions, is decided in
 * one transaction, so a thousand messages cost about five statements:
 *
 *   Kafka ──records──▶ [ load states │ positions │ decide, decide, decide │ save │ outbox ] ──commit──▶ relay ──▶ Kafka
 *                      └───────────────────── all of it, or nothing ───────────────────────┘
 *
 * The events that follow are not sent by the shell. They are rows in the outbox, written beside the states, and the
 * relay publishes them after the commit: there is no moment at which one exists without the other.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { derivedId, isId, setFaultHook } from '@lead-flood/kernel';
import { batchProcessor } from '@lead-flood/processor';
import { createLine, encodeTestEvent, sampleId, sampleOrg } from '@lead-flood/testing';
import type { Line } from '@lead-flood/testing';
import { at, counts, enriched, header, rowsIn, tally } from './example.ts';

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
/** Runs outside whatever transaction the caller is in; slonik would refuse a second connection inside one. */
const outside = AsyncLocalStorage.snapshot();
const leads = ['ada', 'bea', 'cyd'];
let line: Line;
beforeAll(async () => {
  line = await createLine(batchProcessor(tally), at);
});
afterEach(() => {
  setFaultHook(null);
});
afterAll(() => line.close());

describe('a batch', () => {
  it('shows nothing of itself before its commit and everything after it', async () => {
    const before: number[] = [];
    setFaultHook(async (point) => {
      // Another connection looks while the transaction has done all its work and not yet committed.
      if (point !== 'db.commit.before') return;
      const [states, events] = await outside(() =>
        Promise.all([rowsIn(line.database, 'tallies'), rowsIn(line.database, 'outbox')]),
      );
      before.push(states, events);
    });
    await line.publish(...[1, 2, 3].flatMap((version) => leads.map((lead) => enriched(lead, version))));
    await line.start();
    await line.caughtUp();
    expect(before.slice(0, 2)).toEqual([0, 0]);
    expect(await counts(line.database)).toEqual({ [sampleId('ada')]: 3, [sampleId('bea')]: 3, [sampleId('cyd')]: 3 });
  });

  it('publishes the events of a key in the order of its inputs, numbered without gaps', async () => {
    const events = await line.events('scoring.lead.v1');
    for (const lead of leads) {
      const own = events.filter((event) => event.key === sampleId(lead));
      expect(own.map((event) => event.version)).toEqual([1, 2, 3]);
      expect(own.map((event) => (event.data as { value: number }).value)).toEqual([1, 2, 3]);
    }
  });

  it('gives each event headers that say where it came from', async () => {
    const input = enriched('dot', 1);
    const record = encodeTestEvent(line.codec, input);
    await line.publishRaw({
      ...record,
      headers: { ...record.headers, 'correlation-id': 'request-17', traceparent: TRACE },
    });
    await line.caughtUp();
    const published = (await line.records('scoring.lead.v1')).find((one) => one.key?.toString() === sampleId('dot'));
    const cause = input.id ?? '';
    // Derived from the cause: a replay of the same input publishes the same id, so a consumer recognises the repeat.
    expect(header(published, 'message-id')).toBe(derivedId(cause, 'tally', 'out', 0));
    expect(isId(header(published, 'message-id') ?? '')).toBe(true);
    expect(header(published, 'causation-id')).toBe(cause);
    expect(header(published, 'correlation-id')).toBe('request-17');
    expect(header(published, 'org-id')).toBe(sampleOrg);
    expect(header(published, 'version')).toBe('1');
    expect(header(published, 'traceparent')).toBe(TRACE);
  });

  it('keeps personal data out of keys and headers', async () => {
    for (const record of await line.records('scoring.lead.v1')) {
      const text = [
        record.key?.toString() ?? '',
        ...Object.keys(record.headers).map((name) => header(record, name) ?? ''),
      ].join(' ');
      expect(text).not.toMatch(/@|\+46|Lindqvist/);
    }
  });
});
