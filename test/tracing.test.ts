/**
 * One request, followed through seven processes: a collector of ours plays the OTLP endpoint, and what it is sent must
 * hang together as one trace from the REST door to the message that goes out.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startProduct, startStack } from '@lead-flood/local';
import type { Product, Stack } from '@lead-flood/local';
import { eventually } from '@lead-flood/testing';
import { person } from './sandbox/src/index.ts';

const attribute = z.object({ key: z.string(), value: z.object({ stringValue: z.string().optional() }) });
const exported = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(attribute) }),
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.object({
              name: z.string(),
              traceId: z.string(),
              spanId: z.string(),
              parentSpanId: z.string().optional(),
              links: z.array(z.object({ traceId: z.string() })).optional(),
            }),
          ),
        }),
      ),
    }),
  ),
});
type SeenSpan = {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parent: string | null;
  readonly linksTo: readonly string[];
};

const spans: SeenSpan[] = [];
const collector = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    for (const { resource, scopeSpans } of exported.parse(JSON.parse(Buffer.concat(chunks).toString())).resourceSpans) {
      const service = resource.attributes.find((a) => a.key === 'service.name')?.value.stringValue ?? '';
      for (const { name, traceId, spanId, parentSpanId, links } of scopeSpans.flatMap((s) => s.spans))
        spans.push({
          service,
          name,
          traceId,
          spanId,
          parent: parentSpanId ?? null,
          linksTo: links?.map((link) => link.traceId) ?? [],
        });
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
});

let directory: string;
let stack: Stack;
let product: Product;

beforeAll(async () => {
  await new Promise<void>((resolve) => void collector.listen(0, '127.0.0.1', resolve));
  directory = mkdtempSync(join(tmpdir(), 'lead-flood-tracing-'));
  for (const name of ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'DATABASE_URL', 'REDIS_URL'])
    Reflect.deleteProperty(process.env, name);
  stack = await startStack({ directory });
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  product = await startProduct({
    stack,
    env: { LOG_LEVEL: 'warn', OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_BSP_SCHEDULE_DELAY: '200' },
  });
}, 120_000);

afterAll(async () => {
  await product.stop();
  await stack.stop();
  await new Promise((resolve) => void collector.close(resolve));
  rmSync(directory, { recursive: true, force: true });
});

describe('traces', () => {
  it('hang together from the REST door to the outside calls, and batches link to them', async () => {
    const { email, firstName, lastName } = person(1);
    const foreign = '00-11111111111111111111111111111111-2222222222222222-01';
    const answer = await fetch(`${product.gateway}/v1/leads`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${product.seeds.apiKey}`,
        'content-type': 'application/json',
        traceparent: foreign,
      },
      body: JSON.stringify({ email, firstName, lastName }),
    });
    expect(answer.status).toBe(201);

    await eventually('the lead to be scored and projected in its trace', () =>
      Promise.resolve(
        ['process scoring', 'process analytics'].every((name) => spans.some((span) => span.name === name)) &&
          spans.some((span) => span.service === 'enrichment' && span.name === 'perform LeadDiscovered'),
      ),
    );
    const root = spans.find((span) => span.service === 'ingest-gateway' && span.name === 'POST /v1/leads');
    expect(root).toMatchObject({ parent: null });
    expect(root?.traceId).not.toBe('1'.repeat(32));
    const own = spans.filter((span) => span.traceId === root?.traceId);
    expect(own.find((span) => span.service === 'discovery')).toMatchObject({ parent: root?.spanId });
    expect(own.map((span) => span.name)).toContain('perform LeadDiscovered');
    for (const span of spans.filter((s) => s.name.startsWith('process '))) {
      expect(span.parent).toBeNull();
      expect(span.linksTo).toContain(root?.traceId);
    }
  });
});
