/** The whole service as it runs: configuration in, both groups on the real topics, doors open, an orderly end. */
import { expect, it } from 'vitest';
import { z } from 'zod';
import type { Topic } from '@lead-flood/contracts';
import { leadView, topics } from '@lead-flood/contracts';
import { createKafkaClient, createProducer, createTopics } from '@lead-flood/kafka';
import { derivedId, randomId } from '@lead-flood/kernel';
import { sql } from '@lead-flood/postgres';
import {
  createLog,
  createPrincipalSigner,
  principalHeader,
  readConfig,
  sharedConfig,
  startService,
} from '@lead-flood/service';
import {
  createTestDatabase,
  encodeTestEvent,
  eventually,
  sampleDiscovered,
  testCodec,
  testEnvironment,
} from '@lead-flood/testing';
import { config as shape } from '../src/config.ts';
import { service } from '../src/topology.ts';
import { migrations, secret } from './harness.ts';

/** The service on topics that every test file shares, and a database of its own. */
async function startAnalytics() {
  const environment = testEnvironment();
  const { url, database, drop } = await createTestDatabase({ schema: 'analytics', migrations });
  const client = createKafkaClient({
    brokers: environment.KAFKA_BROKERS.split(','),
    clientId: 'test',
    log: () => undefined,
  });
  const all: readonly Topic[] = Object.values(topics);
  await createTopics(client, all, '');
  const settings = {
    ...environment,
    DATABASE_URL: url,
    PRINCIPAL_SECRET: secret,
    APP_ENV: 'test',
    LOG_LEVEL: 'silent',
  };
  const config = { ...readConfig(sharedConfig, settings), ...readConfig(shape, settings) };
  const running = await startService(service, config, createLog('analytics', config), (error) => {
    throw error;
  });
  return { database, client, running, drop };
}

it('shows a lead that was published, and ends when told', async () => {
  const { client, running, drop } = await startAnalytics();
  const producer = await createProducer(client);
  const leadId = randomId();
  const orgId = randomId();
  await producer.send([
    encodeTestEvent(await testCodec(), {
      name: 'LeadDiscovered',
      data: sampleDiscovered({ leadId, orgId }),
      version: 1,
    }),
  ]);
  const principal = await createPrincipalSigner(secret)({ userId: 'user-1', orgId, role: 'viewer', scopes: ['read'] });
  const lead = await eventually('the lead to be shown', async () => {
    const answer = await fetch(`http://127.0.0.1:${running.port}/v1/leads/${leadId}`, {
      headers: { [principalHeader]: principal },
    });
    return answer.status === 200 ? leadView.parse(await answer.json()) : null;
  });
  expect(lead).toMatchObject({ id: leadId, stage: 'ENRICHING', status: 'processing' });
  await producer.stop();
  await running.stop();
  await drop();
});

it('[X-SC-02] writes the heartbeat of the running minute, and hears it', async () => {
  const { database, running, drop } = await startAnalytics();
  const heard = await eventually('the heartbeat to be heard', () =>
    database.maybeOneFirst(sql.type(z.object({ state: z.string() }))`
      select state from clocks c join ticks t on t.period = (c.state::json ->> 'period')::int8
      where t.name = 'system.heartbeat' and c.key = ${derivedId('clock', 'system.heartbeat')}
    `),
  );
  expect(Math.abs(Date.now() - (JSON.parse(heard) as { dueAt: number }).dueAt)).toBeLessThan(120_000);
  await running.stop();
  await drop();
});
