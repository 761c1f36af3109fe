/**
 * Chapter 05: positions and owners.
 *
 * Where a group stands in a partition is a row in Postgres, moved in the same transaction as the states. Kafka is only
 * told, for those who read lag. So a restored database, a lost commit or a replay needs no special care:
 *
 *   positions   topic                partition  epoch  next_offset
 *               enrichment.lead.v1   0          3      128          ◀── the truth
 *
 * The epoch counts owners. Whoever takes a partition over raises it; a slow former owner who wakes up and commits finds
 * another number in the row, changes nothing, and begins again by reading where it stands.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TransientError } from '@lead-flood/kernel';
import { claimPositions, readPositions, sql } from '@lead-flood/postgres';
import { batchProcessor, untyped, silentTelemetry } from '@lead-flood/processor';
import type { Untyped } from '@lead-flood/processor';
import { createLine, encodeTestEvent, eventually } from '@lead-flood/testing';
import type { Line } from '@lead-flood/testing';
import { commitBatch } from '../src/batch.ts';
import { decodeRecord, decodingOf, isPassed, isRefused } from '../src/decode.ts';
import { at, counts, countOf, enriched, rowsIn, startOn, tally } from './example.ts';

const TOPIC = 'enrichment.lead.v1';
let line: Line;
beforeAll(async () => {
  line = await createLine(batchProcessor(tally), at);
});
afterAll(() => line.close());

describe('a position', () => {
  it('moves with the state', async () => {
    await line.publish(enriched('ada', 1), enriched('ada', 2), enriched('bea', 1));
    await line.start();
    await line.caughtUp();
    const positions = await readPositions(line.database, 'tally');
    expect(positions.reduce((sum, position) => sum + position.nextOffset, 0)).toBe(3);
    await line.stop();
  });

  it('set back to zero replays everything and changes nothing', async () => {
    const before = await counts(line.database);
    await line.database.query(sql.unsafe`update positions set next_offset = 0`);
    await line.start();
    await line.caughtUp();
    await line.stop();
    expect(await counts(line.database)).toEqual(before);
    expect(line.outcomes.get('duplicate:version')).toBe(3);
  });

  it('says where to begin, whatever Kafka remembers of the group', async () => {
    const [ada] = (await line.records(TOPIC)).filter(
      (record) => record.key?.toString() === enriched('ada', 1).data.leadId,
    );
    const partition = ada?.partition ?? -1;
    await line.publish(enriched('ada', 3), enriched('ada', 4));
    // Kafka's own offset stands before version 3; the row says that 3 is done.
    await line.database.query(
      sql.unsafe`update positions set next_offset = next_offset + 1 where partition = ${partition}`,
    );
    await line.start();
    await line.caughtUp();
    await line.stop();
    expect(await countOf(line.database, 'ada')).toBe(3);
  });
});

describe('what Kafka remembers', () => {
  it('becomes the row’s place with the next owner, though no message comes', async () => {
    const rows = await readPositions(line.database, 'tally');
    expect(rows.length).toBeGreaterThan(0);
    const groupId = `${line.prefix}tally`;
    const admin = line.client.admin();
    await admin.connect();
    try {
      // As after a last telling that was refused.
      for (const { topic, partition } of rows)
        await admin.setOffsets({ groupId, topic, partitions: [{ partition, offset: '0' }] });
      await line.start();
      await eventually('Kafka to know the places', async () => {
        const told = await admin.fetchOffsets({ groupId });
        return rows.every(({ topic, partition, nextOffset }) =>
          told.some(
            (one) =>
              one.topic === topic &&
              one.partitions.some((p) => p.partition === partition && Number(p.offset) === nextOffset),
          ),
        );
      });
    } finally {
      await line.stop();
      await admin.disconnect();
    }
  });
});

describe('an owner who is late', () => {
  it('changes nothing at all', async () => {
    const topic = `${line.prefix}${TOPIC}`;
    const claim = async (): Promise<number> =>
      (await claimPositions(line.database, 'tally', [{ topic, partition: 7 }]))[0]?.epoch ?? 0;
    const late = await claim();
    const current = await claim();
    expect(current).toBe(late + 1);

    const { key, value, headers } = encodeTestEvent(line.codec, enriched('late', 1));
    const record = { topic, partition: 7, offset: 0, timestamp: 0, key: Buffer.from(key ?? ''), value, headers };
    const input = decodeRecord(decodingOf(untyped(tally), line.codec), record);
    if (isRefused(input) || isPassed(input)) throw new Error('not an input');
    const outboxBefore = await rowsIn(line.database, 'outbox');
    const commit = (epoch: number) =>
      commitBatch(
        untyped(tally) as Untyped,
        { database: line.database, codec: line.codec, now: 0 },
        {
          inputs: [input],
          refused: [],
          advances: [{ topic, partition: 7, epoch, expectedOffset: 0, nextOffset: 1, finished: [] }],
        },
      );

    await expect(commit(late)).rejects.toMatchObject({ name: TransientError.name, code: 'PGS_ERR_NOT_OWNER' });
    expect([await countOf(line.database, 'late'), await rowsIn(line.database, 'outbox')]).toEqual([0, outboxBefore]);

    await commit(current);
    expect([await countOf(line.database, 'late'), await rowsIn(line.database, 'outbox')]).toEqual([
      1,
      outboxBefore + 1,
    ]);
  });

  it('begins again from the row and processes each message once', async () => {
    const errors: string[] = [];
    await line.publish(enriched('eve', 1));
    const running = await startOn(line, batchProcessor(tally), {
      telemetry: {
        ...silentTelemetry,
        error: (_group, error) => errors.push('code' in error ? String(error.code) : error.name),
      },
    });
    await waitForCount('eve', 1);
    await claimPositions(line.database, 'tally', await readPositions(line.database, 'tally'));
    await line.publish(enriched('eve', 2));
    await waitForCount('eve', 2);
    await running.stop();
    expect(errors).toContain('PGS_ERR_NOT_OWNER');
  });
});

async function waitForCount(lead: string, count: number): Promise<void> {
  await eventually(`${lead} to be counted ${count} times`, async () => (await countOf(line.database, lead)) === count);
}
