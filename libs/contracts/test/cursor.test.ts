/** Cursors at the contract of every list: what the list has written is read, and nothing else. */
import { describe, expect, it } from 'vitest';
import type { Route } from '../src/index.ts';
import {
  allRoutes,
  callerCursor,
  deadLetterActCursor,
  deadLetterCursor,
  jobCursor,
  leadCursor,
  threadCursor,
  uploadRowCursor,
} from '../src/index.ts';
import { forgedCursors, placesByList } from './forged-cursors.ts';

const lists = Object.entries<Route>(allRoutes).flatMap(([name, { query }]) =>
  query !== undefined && 'cursor' in query.shape ? [[name, query] as const] : [],
);
const id = '0198c0de-0000-7000-8000-000000000001';
const at = Date.parse('2026-12-01T00:00:00Z');
const own: Readonly<Record<string, readonly [list: string, cursor: string]>> = {
  listThreads: ['threads', threadCursor.write([at, id])],
  listLeads: ['leads', leadCursor.write(['-createdAt', at, id])],
  listDeadLetters: ['dead-letters', deadLetterCursor.write([at, id])],
  listDeadLetterActs: ['dead-letter-acts', deadLetterActCursor.write([at, id])],
  listCallers: ['callers', callerCursor.write([id])],
  listJobs: ['jobs', jobCursor.write([at, id])],
  uploadRows: ['upload-rows', uploadRowCursor.write([7])],
};

describe.each(lists)('%s', (name, query) => {
  const [list, cursor] = own[name] ?? ['', ''];

  it('reads its own cursor', () => {
    expect(query.parse({ cursor })).toMatchObject({ cursor: placesByList[list] });
  });

  it('refuses whatever it has not written, and names the cursor', () => {
    const others = Object.entries(own).flatMap(([other, [, text]]) => (other === name ? [] : [text]));
    expect(others).toHaveLength(Object.keys(own).length - 1);
    for (const forged of [...others, ...forgedCursors]) {
      const { success, error } = query.safeParse({ cursor: forged });
      expect([success, error?.issues[0]?.path], forged.slice(0, 100)).toEqual([false, ['cursor']]);
    }
  });
});

it('a cursor of the lead list is one of its order', () => {
  const { listLeads } = allRoutes;
  const cursor = leadCursor.write(['score', 41, id]);
  expect(listLeads?.query?.safeParse({ cursor, sort: 'score' }).success).toBe(true);
  expect(listLeads?.query?.safeParse({ cursor, sort: '-score' }).error?.issues).toMatchObject([{ path: ['cursor'] }]);
});
