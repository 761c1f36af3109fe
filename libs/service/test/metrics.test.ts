/** Labels are bounded: a series that a stranger can make anew with every message would fill the memory. */
import { expect, it } from 'vitest';
import { createLog, createMetrics, noTracing } from '@lead-flood/service';

it('a topic that is none of ours has no series of its own', async () => {
  const log = createLog('test', { LOG_LEVEL: 'silent', APP_ENV: 'test' });
  const { registry, telemetry } = createMetrics('test', log, noTracing);
  for (const topic of ['ingest.lead.v1', 'a topic', 'another', 'constructor'])
    telemetry.outcome('discovery', topic, 'applied', '');
  const series = (await registry.metrics()).matchAll(/messages_total\{group="discovery",topic="([^"]*)"/g);
  expect([...series].map(([, topic]) => topic)).toEqual(['ingest.lead.v1', 'other']);
});
