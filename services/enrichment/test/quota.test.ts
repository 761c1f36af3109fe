/**
 * One account's window over two replicas of the service, each a process of its own with its own connection to Redis,
 * counted by the provider that they ask.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { randomId } from '@lead-flood/kernel';
import { testEnvironment } from '@lead-flood/testing';
import { startSandbox } from '@lead-flood/test/sandbox';
import { config } from '../src/config.ts';
import { settingsFor } from '../src/providers/settings.ts';
import { table } from '../src/providers/table.ts';
import { sandboxEnv, sandboxName } from './sandbox-settings.ts';

let sandbox: Awaited<ReturnType<typeof startSandbox>>;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.stop());
beforeEach(() => fetch(`${sandbox.httpUrl}/_control/reset`, { method: 'POST' }));

const PER_MINUTE = 40;
const ASKED = 60;
/** Nobody listens there. */
const REDIS_AWAY = 'redis://127.0.0.1:1';

type Told = { readonly answered: number; readonly refused: readonly string[] };

/** A replica that asks every provider `ASKED` times and ends. */
async function replica(env: Readonly<Record<string, string>>): Promise<Told> {
  const child = fork(join(import.meta.dirname, 'replica.ts'), [String(ASKED)], {
    env: { PATH: process.env['PATH'] ?? '', ...sandboxEnv(sandbox.httpUrl, env) },
  });
  const [told] = (await once(child, 'message')) as [Told];
  await once(child, 'exit');
  return told;
}

async function seenByProvider(provider: string): Promise<number> {
  const answer = await fetch(`${sandbox.httpUrl}/_control/summary`);
  const summary = (await answer.json()) as { providers: Record<string, { accepted: number }> };
  return summary.providers[sandboxName(provider)]?.accepted ?? 0;
}

const oneOfEach = (redisUrl: string, replicas: number, key = randomId()) => ({
  REDIS_URL: redisUrl,
  ENRICHMENT_REPLICAS: String(replicas),
  ENRICHMENT_QUOTA_WAIT_MS: '0',
  ...Object.fromEntries(
    table.flatMap(({ env }) => [
      [`${env}_API_KEY`, key],
      [`${env}_PER_MINUTE`, String(PER_MINUTE)],
    ]),
  ),
});

describe('a provider’s window over two replicas', () => {
  it('is shared through Redis: the provider sees exactly the window, however many ask', async () => {
    // each believes to be alone: only Redis can keep them from taking a window each
    const env = oneOfEach(testEnvironment().REDIS_URL, 1);
    const told = await Promise.all([replica(env), replica(env)]);
    for (const { name } of table) expect([name, await seenByProvider(name)]).toEqual([name, PER_MINUTE]);
    expect(new Set(told.flatMap(({ refused }) => refused))).toEqual(new Set(['PRV_ERR_QUOTA']));
    expect(told.reduce((sum, { answered }) => sum + answered, 0)).toBe(PER_MINUTE * table.length);
  });

  it('is another account’s own: another key has its whole window', async () => {
    await replica(oneOfEach(testEnvironment().REDIS_URL, 1));
    await replica(oneOfEach(testEnvironment().REDIS_URL, 1));
    for (const { name } of table) expect([name, await seenByProvider(name)]).toEqual([name, 2 * PER_MINUTE]);
  });

  it('with Redis away is kept by shares: the provider sees no more than the window', async () => {
    const env = oneOfEach(REDIS_AWAY, 2);
    const told = await Promise.all([replica(env), replica(env)]);
    for (const { name } of table) expect([name, await seenByProvider(name)]).toEqual([name, PER_MINUTE]);
    expect(told.map(({ answered }) => answered)).toEqual([0, 1].map(() => (PER_MINUTE / 2) * table.length));
  });
});

it.each(table)('$name has its documented window where nothing else is set', (adapter) => {
  const { windows } = settingsFor(adapter, config.parse({}));
  expect(windows).toEqual(adapter.quota);
  expect(windows.perMinute).toBeGreaterThan(0);
  const set = config.parse({ [`${adapter.env}_PER_MINUTE`]: '7', [`${adapter.env}_PER_SECOND`]: '0' });
  expect(settingsFor(adapter, set).windows).toEqual({ perMinute: 7 });
});
