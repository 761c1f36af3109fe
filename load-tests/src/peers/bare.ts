/**
 * The limit: a loop by hand with the same outside as the engine and nothing inside. Positions, rows and outbox in one
 * transaction a batch, a relay by cursor, our consumer and encoder; but no schemas, no versions, no dead letters, no
 * decisions, one owner for ever.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { createConsumer, createProducer } from '@lead-flood/kafka';
import type { PartitionBatch, Producer, RawRecord } from '@lead-flood/kafka';
import type { Contender } from './contender.ts';
import { clientOf, createStageTopics, PARTITIONS, seedTopic, topicOf } from './kafkajs.ts';
import { createPool, createTables, lastStage, saveRows, stages } from './stages.ts';
import type { Servers } from './stages.ts';

const BATCH_MAX = 1_000;
const RELAY_MAX = 2_000;

async function prepare(at: Servers): Promise<void> {
  await createTables(at);
  await createStageTopics(at);
  const pool = createPool(at, 1);
  await pool.query(`
    create table positions (stage int, partition int, next_offset bigint not null, primary key (stage, partition));
    create table outbox (
      tx xid8 not null default pg_current_xact_id(), seq bigint generated always as identity,
      stage int not null, lead_id uuid not null, data bytea not null, primary key (tx, seq)
    );
    create table cursor (tx xid8 not null, seq bigint not null);
    insert into cursor values ('0', 0);
  `);
  await pool.query(
    'insert into positions select s, p, 0 from generate_series(0, $1::int) s, generate_series(0, $2::int) p',
    [lastStage, PARTITIONS - 1],
  );
  await pool.end();
}

async function commit(pool: pg.Pool, stage: number, records: readonly RawRecord[]): Promise<void> {
  const ends = new Map(records.map(({ partition, offset }) => [partition, offset + 1]));
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query({
      name: 'advance',
      text: `update positions p set next_offset = e.next from unnest($2::int[], $3::bigint[]) as e(partition, next)
             where p.stage = $1 and p.partition = e.partition`,
      values: [stage, [...ends.keys()], [...ends.values()]],
    });
    const leads = records.map(({ key, value }) => ({ id: key?.toString() ?? '', data: value?.toString() ?? '' }));
    await saveRows(client, stage, leads);
    if (stage < lastStage)
      await client.query({
        name: 'outbox',
        text: 'insert into outbox (stage, lead_id, data) select $1, * from unnest($2::uuid[], $3::bytea[])',
        values: [stage + 1, leads.map((lead) => lead.id), records.map(({ value }) => value)],
      });
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

type OutboxRow = { tx: string; seq: string; stage: number; lead_id: string; data: Buffer };

async function relay(at: Servers, pool: pg.Pool, producer: Producer): Promise<never> {
  for (;;) {
    const { rows } = await pool.query<OutboxRow>({
      name: 'relay',
      text: `select o.tx::text as tx, o.seq, o.stage, o.lead_id, o.data from outbox o, cursor c
             where (o.tx, o.seq) > (c.tx, c.seq) and o.tx < pg_snapshot_xmin(pg_current_snapshot())
             order by o.tx, o.seq limit ${RELAY_MAX}`,
    });
    const last = rows.at(-1);
    if (last === undefined) {
      await delay(5);
      continue;
    }
    await producer.send(
      rows.map((row) => ({ topic: topicOf(at, row.stage), key: row.lead_id, value: row.data, headers: {} })),
    );
    await pool.query('update cursor set tx = $1::xid8, seq = $2', [last.tx, last.seq]);
  }
}

async function work(at: Servers): Promise<void> {
  const pool = createPool(at, 10);
  const { rows } = await pool.query<{ stage: number; partition: number; next_offset: string }>(
    'select * from positions',
  );
  const starts = new Map(rows.map((row) => [`${row.stage}/${row.partition}`, Number(row.next_offset)]));
  for (const stage of stages.keys()) {
    const onFetch = async (batches: readonly PartitionBatch[]): Promise<boolean> => {
      const records = batches.flatMap((batch) =>
        batch.records.filter((record) => record.offset >= (starts.get(`${stage}/${record.partition}`) ?? 0)),
      );
      for (let i = 0; i < records.length; i += BATCH_MAX) await commit(pool, stage, records.slice(i, i + BATCH_MAX));
      for (const { partition, offset } of records) starts.set(`${stage}/${partition}`, offset + 1);
      return true;
    };
    await createConsumer({
      client: clientOf(at),
      group: `${at.run}-${stages[stage] ?? ''}`,
      topics: [topicOf(at, stage)],
      sessionTimeoutMs: 10_000,
      fetchBytesMax: 1_048_576,
      fetchWaitMs: 500,
      onFetch,
      onAssigned: ({ partitions: assigned, seek }) => {
        for (const [topic, partitions] of Object.entries(assigned))
          for (const partition of partitions) seek(topic, partition, starts.get(`${stage}/${partition}`) ?? 0);
      },
      onFatal: (error) => {
        throw error;
      },
    });
  }
  await relay(at, pool, await createProducer(clientOf(at)));
}

export const bare: Contender = {
  name: 'bare-loop',
  note: 'the limit: by hand, without schemas, versions, fencing, dead letters',
  leads: 40_000,
  prepare,
  seed: seedTopic,
  work,
};
