/**
 * Dead letters in an operator's hands, on a product of its own: looked at, sent again, given up, skipped, each by the
 * command, and each act written down.
 */
import '../../deploy/local/test/fixtures/own-servers.ts';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKafkaClient, createProducer, readTopic } from '@lead-flood/kafka';
import { randomId } from '@lead-flood/kernel';
import { repositoryRoot, startProduct, startStack } from '@lead-flood/local';
import type { Product, Stack } from '@lead-flood/local';
import { createDatabase, parkMessages, readPositions, sql } from '@lead-flood/postgres';
import { eventually, sampleScored, testCodec } from '@lead-flood/testing';
import { person } from '../faults/people.ts';

let directory: string;
let stack: Stack;
let product: Product;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lead-flood-letters-'));
  stack = await startStack({ directory });
  const { kafka, registry, postgres, redis } = stack.addresses;
  Object.assign(process.env, {
    KAFKA_BROKERS: kafka,
    SCHEMA_REGISTRY_URL: registry,
    DATABASE_URL: postgres,
    REDIS_URL: redis,
  });
  product = await startProduct({ stack, env: { LOG_LEVEL: 'warn' } });
}, 120_000);

afterAll(async () => {
  await product.stop();
  await stack.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** What the command prints; the servers stand in the environment. */
async function letters(...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [join(repositoryRoot, 'deploy/local/src/cli.ts'), 'dead-letters', ...args]);
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part: Buffer) => {
      text += part.toString('utf8');
    });
  await new Promise((resolve) => child.once('close', resolve));
  return text;
}

const FLOODED = 'call-allocation.offer.v1';

async function publish(
  records: readonly { key: string; value: Buffer; headers?: Record<string, string> }[],
  topic = 'ingest.lead.v1',
) {
  const client = createKafkaClient({
    brokers: stack.addresses.kafka.split(','),
    clientId: 'test',
    log: () => undefined,
  });
  const producer = await createProducer(client);
  await producer.send(records.map((record) => ({ topic, headers: {}, ...record })));
  await producer.stop();
}

const inspected = (count: number, ...args: readonly string[]): Promise<string> =>
  eventually(
    `${count} dead letters`,
    async () => {
      const text = await letters('inspect', ...args);
      return text.includes(`\n${count} dead letters`) ? text : null;
    },
    30_000,
  );

const mint = async (role: string): Promise<string> => {
  const minted = await fetch(`${product.gateway}/v1/auth/token`, {
    method: 'POST',
    body: JSON.stringify({ userId: randomId(), role }),
    headers: { 'content-type': 'application/json' },
  });
  return ((await minted.json()) as { accessToken: string }).accessToken;
};

const ask = async (role: string, path: string): Promise<{ status: number; body: Record<string, unknown> }> => {
  const answer = await fetch(`${product.gateway}${path}`, {
    headers: { authorization: `Bearer ${await mint(role)}` },
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};

const acts = async (role: string): Promise<{ status: number; items: Record<string, unknown>[] }> => {
  const { status, body } = await ask(role, '/v1/dead-letters/acts');
  return { status, items: (body['items'] ?? []) as Record<string, unknown>[] };
};

describe('npm run dead-letters', { timeout: 120_000 }, () => {
  const org = randomId();

  it('[X-DL-03] inspect filters by group, topic, code, time, key and organisation', async () => {
    const before = new Date().toISOString();
    await publish([
      { key: 'a', value: Buffer.from('garbage'), headers: { 'org-id': org } },
      { key: 'b', value: Buffer.from([0, 1, 2]) },
    ]);
    const all = await inspected(2);
    expect(all).toContain('KFK_ERR_NO_MAGIC_BYTE');
    const ones = [
      ['--key', 'a'],
      ['--org', org],
      ['--code', 'KFK_ERR_NO_MAGIC_BYTE', '--key', 'b'],
    ];
    for (const filter of ones) expect(await letters('inspect', ...filter)).toContain('\n1 dead letters');
    const both = ['--group', 'discovery', '--topic', 'ingest.lead.v1', '--since', before];
    expect(await letters('inspect', ...both)).toContain('\n2 dead letters');
    expect(await letters('inspect', '--until', before)).toContain('\n0 dead letters');
    expect(await letters('inspect', '--group', 'scoring')).toContain('\n0 dead letters');
    expect(await letters('inspect', '--since', 'yesterday')).toContain('a time like');
  });

  it('[X-DL-01] replay says first what it would do, then how many came back, and stops after three times', async () => {
    expect(await letters('replay', '--key', 'a')).toMatch(/before: 1 letters, 0 of them left alone.*\ndry run/);
    for (let time = 1; time <= 3; time += 1) {
      const told = await letters('replay', '--key', 'a', '--yes', '--by', 'ada');
      expect(told).toMatch(/before: 1 letters, 0 of .*\nafter: {2}1 letters; 1 replayed, 1 came back, 0 are gone/);
    }
    expect(await letters('replay', '--key', 'a', '--yes')).toMatch(
      /1 of them left alone[^]*after: {2}1 letters; 0 replayed/,
    );
    expect(await letters('replay', '--key', 'a', '--yes', '--force')).toContain('1 replayed, 1 came back');
  });

  it('[X-DL-01] a letter whose cause is mended is processed when it is replayed, and gone', async () => {
    const codec = await testCodec();
    const data = person(1, product.seeds.orgId);
    const foreign = { 'org-id': org };
    await publish([{ key: 'c', value: codec.encode('LeadSubmitted', data), headers: foreign }]);
    await inspected(1, '--key', 'c');
    await createDatabaseAnd(async (database) => {
      // The writer's wrong header is the cause; the mend is to take it off.
      await database.query(sql.unsafe`
        update dead_letters set headers = (headers::jsonb - 'org-id')::text where key = 'c'
      `);
    });
    expect(await letters('replay', '--key', 'c', '--yes')).toMatch(
      /after: {2}0 letters; 1 replayed, 0 came back, 1 are gone/,
    );
  });

  it('[X-DL-03] an archived letter is looked at and sent again as well', async () => {
    await publish([{ key: 'e', value: Buffer.from('old garbage') }]);
    await inspected(1, '--key', 'e');
    await createDatabaseAnd(async (database) => {
      await database.query(sql.unsafe`
        with retired as (delete from dead_letters where key = 'e' returning *)
        insert into dead_letter_archive select * from retired
      `);
    });
    expect(await letters('inspect', '--key', 'e')).toContain('\n0 dead letters');
    expect(await letters('inspect', '--key', 'e', '--archived')).toContain('\n1 dead letters');
    expect(await letters('replay', '--key', 'e', '--archived', '--yes')).toMatch(
      /before: 1 letters[^]*after: {2}0 letters; 1 replayed, 1 came back, 0 are gone/,
    );
    expect(await letters('purge', '--key', 'e')).toContain('2 to purge');
  });

  it('[X-DL-05] from a job’s id to its lead, to what was refused of it and why, to its replay', async () => {
    const { body: leads } = await eventually('the lead to be listed', async () => {
      const told = await ask('admin', '/v1/leads');
      return (told.body['items'] as object[]).length > 0 ? told : null;
    });
    const [lead] = leads['items'] as { id: string; jobId: string }[];
    await publish([{ key: lead?.id ?? '', value: Buffer.from('broken on its way') }], 'enrichment.lead.v1');
    const { body: job } = await ask('admin', `/v1/jobs/${lead?.jobId}`);
    expect(job).toMatchObject({ id: lead?.jobId, type: 'lead.enrich', leadId: lead?.id });
    // Scoring and analytics read the topic, and each refuses the bytes for good: decode, not a provider, not a server.
    const text = await inspected(2, '--key', String(job['leadId']));
    expect(text).toMatch(/scoring.*enrichment\.lead\.v1.*KFK_ERR_NO_MAGIC_BYTE.*decode/);
    expect(await letters('replay', '--key', String(job['leadId']), '--group', 'scoring')).toContain(
      'before: 1 letters',
    );
    await letters('purge', '--key', String(job['leadId']), '--yes', '--by', 'ada');
  });

  it('[X-DL-02] purge deletes what the filter finds, and only when told to', async () => {
    expect(await letters('purge', '--key', 'b')).toMatch(/1 to purge\ndry run/);
    expect(await letters('purge', '--key', 'b', '--yes', '--by', 'ada')).toContain('1 purged');
    expect(await letters('inspect', '--key', 'b', '--all')).toContain('\n0 dead letters');
  });

  it('skip brings a group past the garbage that has halted it', async () => {
    // On a topic that only we write: garbage of outsiders halts nobody.
    await publish(
      Array.from({ length: 30 }, (_, i) => ({ key: 'flood', value: Buffer.from(`garbage ${i}`) })),
      FLOODED,
    );
    const at = await eventually('call-allocation to halt', async () => {
      const answer = await fetch(`${product.operations['call-allocation']}/status`);
      const { processors } = (await answer.json()) as { processors: { group: string; halted: string | null }[] };
      return processors.some(({ group, halted }) => group === 'call-allocation' && halted !== null);
    }).then(() => floodPlace());
    const place = ['--group', 'call-allocation', '--topic', FLOODED, '--partition', String(at.partition)];
    expect(await letters('skip', ...place, '--to', String(at.next + 31))).toContain('skip to something between');
    expect(await letters('skip', ...place, '--to', String(at.next + 30))).toMatch(
      /30 messages are not processed\ndry run/,
    );
    expect(await floodPlace()).toEqual(at);
    expect(await letters('skip', ...place, '--to', String(at.next + 30), '--yes', '--by', 'ada')).toContain('skipped');
    const codec = await testCodec();
    const data = { orgId: product.seeds.orgId, callerId: randomId(), offeredAt: Date.now() };
    await publish([{ key: 'flood', value: codec.encode('OfferTask', data) }], FLOODED);
    await eventually('the next message', async () => (await floodPlace()).next === at.next + 31, 60_000);
    expect(await letters('inspect', '--key', 'flood')).toContain('\n0 dead letters');
  });

  it('[C-16] the outbox of a service is read by operators, of their own organisation', async () => {
    const codec = await testCodec();
    const data = person(3, product.seeds.orgId);
    await publish([{ key: 'd', value: codec.encode('LeadSubmitted', data) }]);
    const outbox = await eventually('the lead to go out', async () => {
      const { body } = await ask('ops', '/v1/outbox?service=discovery&status=sent&limit=5');
      const items = body['items'] as { topic: string; attempts: number }[];
      return items.length > 0 ? items : null;
    });
    expect(outbox[0]).toMatchObject({ topic: 'discovery.lead.v1', status: 'sent', attempts: 1, nextAttemptAt: null });
    expect((await ask('ops', '/v1/outbox?service=ingest-gateway')).status).toBe(200);
    expect((await ask('ops', '/v1/outbox?status=lost')).status).toBe(400);
    expect((await ask('member', '/v1/outbox')).status).toBe(403);
  });

  it('parked keys are seen, and drained in order through the gateway', async () => {
    const codec = await testCodec();
    const [task, lead] = [randomId(), randomId()];
    const data = sampleScored({ orgId: product.seeds.orgId, leadId: lead, band: 'MEDIUM' });
    // As call-allocation would have parked it; to make it reject by itself needs a bug in it.
    await createDatabaseAnd(
      (database) =>
        database.transaction((tx) =>
          parkMessages(tx, 'call-allocation', [
            {
              key: task,
              topic: 'scoring.lead.v1',
              partition: 0,
              offset: 1_000_000,
              timestampMs: Date.now(),
              recordKey: Buffer.from(lead),
              headers: '{}',
              value: codec.encode('LeadScored', data),
              orgId: product.seeds.orgId,
              code: 'PRC_ERR_HANDLER_FAULT',
            },
          ]),
        ),
      'call_allocation',
    );
    expect(await letters('parked')).toContain(task);
    const args = ['--group', 'call-allocation', '--key', task];
    expect(await letters('drain', ...args)).toMatch(/1 messages of call-allocation wait\ndry run/);
    const token = await mint('admin');
    const told = await letters('drain', ...args, '--yes', '--gateway', product.gateway, '--token', token);
    expect(told).toContain('1 decided, 0 given up, the key is free');
    expect(await letters('drain', ...args)).toContain('0 messages of call-allocation wait');
    const drains = await ask('ops', '/v1/parked/drains');
    expect(drains.body['items']).toMatchObject([{ key: task, drained: 1, dropped: 0, stoppedBy: null }]);
    expect((await letters('acts')).match(/ drain /g)).toHaveLength(1);
    const { body } = await ask('ops', '/v1/call-tasks/operator/tasks');
    expect((body['items'] as { leadId: string }[]).map(({ leadId }) => leadId)).toContain(lead);
  });

  it('[X-DL-01] every act is written down, and read by administrators', async () => {
    const { items } = await acts('admin');
    expect(items.map(({ act, who, acted, cameBack, gone }) => [act, who === 'ada', acted, cameBack, gone])).toEqual([
      ['skip', true, 30, null, null],
      ['purge', true, 1, null, null],
      ['purge', true, 2, null, null],
      ['replay', false, 1, 1, 0],
      ['replay', false, 1, 0, 1],
      ['replay', false, 1, 1, 0],
      ['replay', true, 1, 1, 0],
      ['replay', true, 1, 1, 0],
      ['replay', true, 1, 1, 0],
    ]);
    // Acts over all organisations are nobody's but the administrators'.
    expect(await acts('ops')).toEqual({ status: 200, items: [] });
    expect((await acts('viewer')).status).toBe(403);
  });

  const createDatabaseAnd = async <T>(
    work: (database: Awaited<ReturnType<typeof createDatabase>>) => Promise<T>,
    schema = 'analytics',
  ): Promise<T> => {
    const database = await createDatabase({
      url: stack.addresses.postgres,
      schema,
      applicationName: 'test',
      connectionsMax: 1,
    });
    try {
      return await work(database);
    } finally {
      await database.end();
    }
  };

  /** Where discovery stands in the partition that the key `flood` lies in. */
  async function floodPlace(): Promise<{ partition: number; next: number }> {
    const client = createKafkaClient({
      brokers: stack.addresses.kafka.split(','),
      clientId: 'test',
      log: () => undefined,
    });
    const partition = (await readTopic(client, FLOODED)).find(({ key }) => key?.toString() === 'flood')?.partition;
    const positions = await createDatabaseAnd(
      (database) => readPositions(database, 'call-allocation'),
      'call_allocation',
    );
    const next = positions.find((p) => p.topic === FLOODED && p.partition === partition)?.nextOffset ?? 0;
    return { partition: partition ?? -1, next };
  }
});
