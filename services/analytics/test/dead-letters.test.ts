/** The dead-letter archive, from garbage on another group's topic to the row and the list. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { deadLetterRoutes, topics } from '@lead-flood/contracts';
import type { RawRecord } from '@lead-flood/kafka';
import { createTopics } from '@lead-flood/kafka';
import { apply, derivedId, systemClock } from '@lead-flood/kernel';
import { sql } from '@lead-flood/postgres';
import type { BatchProcessor } from '@lead-flood/processor';
import { batchProcessor, silentTelemetry } from '@lead-flood/processor';
import { createLine, eventually, sampleId, sampleOrg, testNow } from '@lead-flood/testing';
import { deadLetterArchive, deadLetterTopics } from '../src/dead-letter-archive.ts';
import { retireDeadLetters, saveDeadLetters } from '../src/dead-letter-store.ts';
import type { Doors } from './harness.ts';
import { migrations, openDoors } from './harness.ts';

/** Stands for the real discovery: all that matters is that it refuses garbage. */
const reads = [topics['ingest.lead.v1']] as const;
const discovery: BatchProcessor<null, typeof reads, []> = {
  group: 'discovery',
  reads,
  writes: [],
  store: { load: () => Promise.resolve(new Map()), save: () => Promise.resolve() },
  initial: () => null,
  decide: { LeadSubmitted: () => apply<null, never>(null) },
};

const stored = z.object({
  id: z.string(),
  consumer_group: z.string(),
  code: z.string(),
  key: z.string().nullable(),
  org_id: z.string().nullable(),
  value: z.instanceof(Buffer).nullable(),
});

describe('on a real broker', () => {
  it('[X-DL-01] garbage that another group refused becomes a row, once, with its bytes', async () => {
    const line = await createLine(batchProcessor(discovery), { schema: 'analytics', migrations });
    await createTopics(
      line.client,
      Object.values(topics).filter((topic) => topic.name.endsWith('.dead-letter.v1') && topic.owner !== 'discovery'),
      line.prefix,
    );
    const start = () =>
      deadLetterArchive().start({
        client: line.client,
        codec: line.codec,
        database: line.database,
        clock: systemClock,
        telemetry: silentTelemetry,
        topicPrefix: line.prefix,
        wakeRelay: () => undefined,
        onFatal: () => undefined,
      });
    const rows = () =>
      line.database.any(
        sql.type(stored)`select id, consumer_group, code, key, org_id, value from dead_letters order by key`,
      );
    const garbage = [
      { topic: 'ingest.lead.v1', key: 'a', value: Buffer.from('{"json":true}'), headers: { 'org-id': sampleOrg } },
      { topic: 'ingest.lead.v1', key: 'b', value: Buffer.from([0, 1, 2, 255]), headers: { 'org-id': 'nobody' } },
      { topic: 'ingest.lead.v1', key: 'c', value: null, headers: {} },
    ];
    await line.start();
    await line.publishRaw(...garbage);
    await line.caughtUp();
    let archive = await start();
    await eventually('three rows', async () => (await rows()).length === 3);
    await archive.stop();
    await line.database.query(
      sql.unsafe`update positions set next_offset = 0 where consumer_group = 'analytics-dead-letters'`,
    );
    archive = await start();
    await line.publishRaw({ topic: 'ingest.lead.v1', key: 'd', value: Buffer.from('again'), headers: {} });
    await eventually('the fourth row', async () => (await rows()).length === 4);
    expect(await rows()).toMatchObject([
      { consumer_group: 'discovery', key: 'a', org_id: sampleOrg, value: garbage[0]?.value },
      { consumer_group: 'discovery', key: 'b', org_id: null, value: garbage[1]?.value },
      { consumer_group: 'discovery', key: 'c', org_id: null, value: null },
      { consumer_group: 'discovery', key: 'd' },
    ]);
    await archive.stop();
    await line.close();
  });
});

describe('the archive', () => {
  let doors: Doors;
  beforeEach(async () => {
    doors = await openDoors();
  });
  afterEach(async () => {
    await doors.stop();
  });

  const record = (
    offset: number,
    headers: Readonly<Record<string, string>>,
    value: Buffer | null = Buffer.from('x'),
  ): RawRecord => ({
    topic: 'scoring.dead-letter.v1',
    partition: 1,
    offset,
    timestamp: testNow,
    key: Buffer.from(`key-${offset}`),
    value,
    headers,
  });
  const facts = (at: number) => ({
    'dead-letter-topic': 'enrichment.lead.v1',
    'dead-letter-partition': '4',
    'dead-letter-offset': '77',
    'dead-letter-group': 'scoring',
    'dead-letter-code': 'KFK_ERR_TRUNCATED',
    'dead-letter-detail': 'ends early',
    'dead-letter-step': 'decode',
    'dead-letter-at': new Date(at).toISOString(),
  });
  const list = (query = '', caller = {}) =>
    doors.answerOf(deadLetterRoutes.listDeadLetters, `/v1/dead-letters?${query}`, { role: 'ops', ...caller });

  it('[X-DL-02] keeps where, why and what; the list shows it newest first, a page at a time', async () => {
    await saveDeadLetters(
      doors.database,
      Array.from({ length: 5 }, (_, i) => record(i, { ...facts(testNow + i), 'org-id': sampleOrg })),
    );
    const first = await list('limit=3');
    expect(first.items[0]).toEqual({
      id: derivedId('scoring.dead-letter.v1', 1, 4),
      group: 'scoring',
      topic: 'enrichment.lead.v1',
      partition: 4,
      offset: 77,
      code: 'KFK_ERR_TRUNCATED',
      detail: 'ends early',
      step: 'decode',
      key: 'key-4',
      bytes: 1,
      at: new Date(testNow + 4).toISOString(),
    });
    const rest = await list(`limit=3&cursor=${first.nextCursor ?? ''}`);
    expect([...first.items, ...rest.items].map((item) => item.key)).toEqual([
      'key-4',
      'key-3',
      'key-2',
      'key-1',
      'key-0',
    ]);
    expect(rest.nextCursor).toBeNull();
    expect((await list('group=outreach')).items).toEqual([]);
    expect((await list('code=KFK_ERR_TRUNCATED&topic=enrichment.lead.v1')).items).toHaveLength(5);
    expect((await list(`from=${encodeURIComponent(new Date(testNow + 4).toISOString())}`)).items).toHaveLength(1);
    expect((await list(`to=${encodeURIComponent(new Date(testNow + 1).toISOString())}`)).items).toHaveLength(1);
  });

  it('shows an organisation its own, and admins also what belongs to nobody', async () => {
    await saveDeadLetters(doors.database, [
      record(1, { ...facts(testNow), 'org-id': sampleOrg }),
      record(2, facts(testNow)),
      record(3, { ...facts(testNow), 'org-id': sampleId('another org') }),
    ]);
    const keys = async (role: string) => (await list('', { role })).items.map((item) => item.key).toSorted();
    expect(await keys('ops')).toEqual(['key-1']);
    expect(await keys('admin')).toEqual(['key-1', 'key-2']);
  });

  it('loses nothing that is not as it should be: strange headers, no headers, large and empty values', async () => {
    const strange = {
      ...facts(testNow),
      'dead-letter-partition': 'x',
      'dead-letter-offset': '-3',
      'dead-letter-at': 'never',
      'dead-letter-detail': 'a\0b',
    };
    await saveDeadLetters(doors.database, [
      record(1, strange),
      record(2, {}, Buffer.alloc(5_000_000, 1)),
      record(3, {}, null),
      record(4, {}, Buffer.alloc(0)),
    ]);
    const { items } = await list('', { role: 'admin' });
    expect(items).toHaveLength(4);
    expect(items.find((item) => item.key === 'key-1')).toMatchObject({
      partition: 1,
      offset: 1,
      at: new Date(testNow).toISOString(),
      detail: 'a\ufffdb',
    });
    expect(items.find((item) => item.key === 'key-2')).toMatchObject({
      code: 'ANL_ERR_NOT_A_DEAD_LETTER',
      group: 'scoring',
      bytes: 5_000_000,
    });
  });

  it('[X-DL-03] leaves the hot table after its days and is deleted after more', async () => {
    const day = 86_400_000;
    const ages = { hotDays: 30, keptDays: 90 };
    await saveDeadLetters(
      doors.database,
      [10, 40, 100].map((days) => record(days, { ...facts(testNow - days * day), 'org-id': sampleOrg })),
    );
    const count = (table: string) =>
      doors.database.oneFirst(sql.type(z.object({ n: z.int() }))`select count(*) as n from ${sql.identifier([table])}`);
    await retireDeadLetters(doors.database, testNow, ages);
    await retireDeadLetters(doors.database, testNow, ages);
    expect([await count('dead_letters'), await count('dead_letter_archive')]).toEqual([1, 1]);
    expect((await list()).items.map((item) => item.key)).toEqual(['key-10']);
  });

  it('reads the dead letters of every group that has any', () => {
    expect(deadLetterTopics).toContain('analytics.dead-letter.v1');
    expect(deadLetterTopics).toHaveLength(Object.keys(topics).filter((name) => name.includes('dead-letter')).length);
  });
});
