/**
 * Chapter 08: timers.
 *
 * "If nobody has answered in three days, send the second message." A decision asks for that by giving an event and the
 * time it is due. The timer is a row beside the state; when it is due the relay moves it to the outbox, so the event
 * arrives through Kafka like any other: in order, with lag visible, and once.
 *
 *   decide ──▶ timers (due_at) ──due──▶ outbox ──▶ Kafka
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { derivedId } from '@lead-flood/kernel';
import { sql } from '@lead-flood/postgres';
import { batchProcessor } from '@lead-flood/processor';
import { createLine, eventually, sampleId } from '@lead-flood/testing';
import type { Line } from '@lead-flood/testing';
import { at, company, enriched, HOUR_MS, rowsIn, tally } from './example.ts';

let line: Line;
beforeAll(async () => {
  line = await createLine(batchProcessor(tally), at);
  await line.start();
});
afterAll(() => line.close());

const reminders = async () =>
  (await line.events('scoring.lead.v1')).filter((event) => (event.data as { value: number }).value === 100);

describe('a timer', () => {
  it('waits in the database until it is due', async () => {
    await line.publish(enriched('ada', 1, company('Later AB')));
    await line.caughtUp();
    const due = await line.database.oneFirst(sql.type(z.object({ due: z.number() }))`select due_at as due from timers`);
    expect(Math.abs(due - Date.now() - HOUR_MS)).toBeLessThan(60_000);
    expect(await reminders()).toEqual([]);
  });

  it('is one timer, however often the input that asked for it comes', async () => {
    await line.stop();
    await line.database.query(sql.unsafe`update positions set next_offset = 0`);
    await line.database.query(sql.unsafe`delete from tallies`);
    await line.start();
    await line.caughtUp();
    expect(await rowsIn(line.database, 'timers')).toBe(1);
  });

  it('becomes an event when its time has come, with an id that follows from its cause', async () => {
    await line.database.query(sql.unsafe`update timers set due_at = now()`);
    await eventually('the timer to fire', async () => (await rowsIn(line.database, 'timers')) === 0);
    await line.caughtUp();
    const [reminder] = await reminders();
    expect(reminder).toMatchObject({
      name: 'LeadScored',
      key: sampleId('ada'),
      id: derivedId(sampleId('enriched', 'ada', 1), 'tally', 'out', 'timer-0'),
      // It was decided long ago: no version, so no newer event makes it look like a repeat.
      version: null,
    });
  });
});
