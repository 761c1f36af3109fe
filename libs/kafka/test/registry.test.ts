/** The few calls to the registry: a real one, and one that is away, hangs, or answers nonsense. */
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { avroSchemas } from '@lead-flood/contracts';
import { createCodec, createRegistry, subjectOf } from '@lead-flood/kafka';
import { CodedError, randomId, TransientError } from '@lead-flood/kernel';
import { realRegistry } from './peer.ts';

const record = (fields: object[]): object => ({ type: 'record', name: 'R', fields });
const a = { name: 'a', type: 'string' };

/** A registry that gives every request the same answer. */
async function answering(status: number, body: string, run: (url: string) => Promise<void>): Promise<void> {
  const server = createServer((_request, response) => void response.writeHead(status).end(body));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** One that takes the request, says the beginning of an answer and then nothing. */
async function hanging(beginning: string, run: (url: string) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.once('data', () => socket.write(beginning));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

describe('the registry', () => {
  it('holds every event under its topic and record name', async () => {
    expect(subjectOf('LeadSubmitted')).toBe('ingest.lead.v1-leadflood.ingest.LeadSubmitted');
    const id = await realRegistry().lookup(subjectOf('LeadSubmitted'), avroSchemas.LeadSubmitted);
    expect(await realRegistry().schemaById(id)).toMatchObject({ name: 'leadflood.ingest.LeadSubmitted' });
  });

  it('says that it does not know an id', async () => {
    expect(await realRegistry().schemaById(2_000_000_000)).toBeNull();
  });

  it('refuses a schema that older readers could not read, and takes one with a default', async () => {
    const registry = realRegistry();
    const subject = `test-${randomId()}`;
    const first = await registry.register(subject, record([a]));
    expect(await registry.register(subject, record([a]))).toBe(first);
    await expect(registry.register(subject, record([a, { name: 'b', type: 'string' }]))).rejects.toMatchObject({
      name: CodedError.name,
      code: 'KFK_ERR_INCOMPATIBLE_SCHEMA',
    });
    expect(await registry.register(subject, record([a, { name: 'b', type: 'string', default: '' }]))).not.toBe(first);
  });

  it('without our schema keeps a service waiting for the deploy step', async () => {
    await expect(realRegistry().lookup(`test-${randomId()}`, record([a]))).rejects.toMatchObject({
      name: TransientError.name,
      code: 'KFK_ERR_SCHEMA_NOT_REGISTERED',
    });
  });

  it('that is away is a fault that may pass', async () => {
    const away = createRegistry('http://127.0.0.1:9');
    await expect(away.schemaById(1)).rejects.toMatchObject({
      name: TransientError.name,
      code: 'KFK_ERR_REGISTRY_UNAVAILABLE',
    });
    await expect(createCodec(away, ['LeadScored'])).rejects.toBeInstanceOf(TransientError);
  });

  it('that hangs is a fault that may pass: before an answer, and in the middle of one', async () => {
    for (const beginning of ['', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"schema":'])
      await hanging(beginning, async (url) => {
        await expect(createRegistry(url, { timeoutMs: 200 }).schemaById(1)).rejects.toMatchObject({
          name: TransientError.name,
          code: 'KFK_ERR_REGISTRY_UNAVAILABLE',
        });
      });
  });

  it('whose schema is none that Avro knows is not asked again: the messages are refused', async () => {
    await answering(200, JSON.stringify({ schema: '{"type":"of another world"}' }), async (url) => {
      const registry = createRegistry(url);
      await expect(registry.schemaById(1)).rejects.toMatchObject({ code: 'KFK_ERR_INCOMPATIBLE_SCHEMA' });
      const codec = await createCodec(registry, []);
      await codec.learn(1);
      expect(codec.decode(Buffer.from([0, 0, 0, 0, 1, 0]))).toMatchObject({ code: 'KFK_ERR_INCOMPATIBLE_SCHEMA' });
    });
    await answering(200, JSON.stringify({ schemaType: 'JSON', schema: '{"type":"object"}' }), async (url) => {
      await expect(createRegistry(url).schemaById(1)).rejects.toMatchObject({ code: 'KFK_ERR_INCOMPATIBLE_SCHEMA' });
    });
  });

  it('that is away keeps the deploy step from calling a schema incompatible', async () => {
    await expect(createRegistry('http://127.0.0.1:9').register('s', record([a]))).rejects.toMatchObject({
      code: 'KFK_ERR_REGISTRY_UNAVAILABLE',
    });
  });

  it.each([
    [500, '{}'],
    [503, ''],
    [200, 'null'],
    [200, 'not json'],
    [200, '{"no":"schema"}'],
  ])('that answers %i %s is a fault that may pass', async (status, body) => {
    await answering(status, body, async (url) => {
      await expect(createRegistry(url).schemaById(1)).rejects.toMatchObject({
        name: TransientError.name,
        code: 'KFK_ERR_REGISTRY_UNAVAILABLE',
      });
    });
  });
});
