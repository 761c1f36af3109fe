/** A broker that takes a connection and a request and never answers, as one that hangs or a way that swallows packets. */
import { connect as connectTo, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createRequire } from 'node:module';
import type { Kafka, KafkaConfig } from 'kafkajs';
import { afterEach, expect, it } from 'vitest';
import { testEnvironment } from '@lead-flood/testing';
import '../src/kafkajs-repairs.ts';

const kafkajs = createRequire(import.meta.url)('kafkajs') as { Kafka: new (config: KafkaConfig) => Kafka };

let server: Server;
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

/** Lets connections through to the real broker, but for the first ones, which it accepts and leaves without an answer. */
async function startSilent(silent: number): Promise<{ address: string; accepted: () => readonly Socket[] }> {
  const [host = '', port] = testEnvironment().KAFKA_BROKERS.split(',')[0]?.split(':') ?? [];
  const accepted: Socket[] = [];
  server = createServer((socket) => {
    accepted.push(socket);
    sockets.push(socket);
    socket.on('error', () => undefined);
    if (accepted.length <= silent) {
      socket.resume();
      return;
    }
    const broker = connectTo(Number(port), host);
    sockets.push(broker);
    broker.on('error', () => undefined);
    socket.pipe(broker).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, accepted: () => accepted };
}

const clientOf = (address: string): Kafka =>
  new kafkajs.Kafka({
    brokers: [address],
    clientId: 'silent-test',
    requestTimeout: 300,
    enforceRequestTimeout: true,
    retry: { initialRetryTime: 50, maxRetryTime: 100, retries: 5 },
    logLevel: 0,
  });

it('is asked again by a new connection, and the silent one is given up', async () => {
  const { address, accepted } = await startSilent(1);
  const admin = clientOf(address).admin();
  await admin.connect();
  expect(await admin.listTopics()).toEqual(expect.any(Array));
  expect(accepted().length).toBeGreaterThan(1);
  await expect.poll(() => accepted()[0]?.readableEnded === true || accepted()[0]?.destroyed === true).toBe(true);
  await admin.disconnect();
});

it('that never answers is an error, and each try was a connection of its own', async () => {
  const { address, accepted } = await startSilent(Number.MAX_SAFE_INTEGER);
  const admin = clientOf(address).admin();
  await expect(admin.connect()).rejects.toMatchObject({ name: 'KafkaJSNumberOfRetriesExceeded' });
  expect(accepted().length).toBeGreaterThan(1);
  await admin.disconnect();
});
