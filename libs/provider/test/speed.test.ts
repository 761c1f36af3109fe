/** What a call costs; reported, not asserted: a busy machine must not fail the suite. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { createProvider } from '../src/provider.ts';
import { startPeer } from './peer.ts';

test('20,000 calls, 16 in flight', async () => {
  const peer = await startPeer();
  const provider = createProvider({ name: 'speed', baseUrl: peer.url, allowPrivate: true });
  const schema = z.object({ ok: z.boolean() });
  const { signal } = new AbortController();
  const calls = 20_000;
  let left = calls;
  let answered = 0;
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (left-- > 0) {
        const { kind } = await provider.call({
          operation: 'speed',
          method: 'POST',
          path: '/',
          json: { email: 'a@b.example' },
          schema,
          signal,
        });
        if (kind === 'ok') answered += 1;
      }
    }),
  );
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - startedAt) / 1_000;
  process.stdout.write(
    `provider.call: ${((user + system) / calls).toFixed(1)} us CPU a call with the peer in the same process, ${Math.round(calls / seconds)}/s\n`,
  );
  expect(answered).toBe(calls);
  await provider.stop();
  await peer.stop();
});
