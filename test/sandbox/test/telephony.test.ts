// Calls are told as Yay tells them: in order, each after the one before was taken, signed, with ids of their own.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startSandbox } from '../src/index.ts';
import type { Sandbox } from '../src/index.ts';
import { call, logOf, signatureOf, startReceiver } from './receiver.ts';
import type { Receiver } from './receiver.ts';

let sandbox: Sandbox;
let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
  sandbox = await startSandbox();
});
afterEach(async () => {
  await sandbox.stop();
  await receiver.stop();
});

const order = { toPhone: '+12025550143', callerId: 'caller-1', taskId: 'task-1', answered: true, durationSeconds: 95 };
const play = (patch: object = {}) =>
  call(`${sandbox.httpUrl}/_control/calls`, 'POST', { ...order, deliverTo: receiver.deliverTo, ...patch });

interface YayEvent {
  type: string;
  occurredAt: string;
  data: { callId: string; durationSeconds?: number };
}

test('an answered call: four events in order, although the first post is refused', async () => {
  receiver.refuseNext(1);
  const { status, body } = await play();
  const received = await receiver.taken(4);
  const events = received.map(({ raw }) => JSON.parse(raw.toString()) as YayEvent);
  expect(status).toBe(202);
  expect(events.map(({ type }) => type)).toEqual(['call.started', 'call.ringing', 'call.answered', 'call.ended']);
  expect(body['events']).toEqual(events.map(({ type }) => type));
  expect(events.map(({ occurredAt }) => occurredAt)).toEqual(events.map(({ occurredAt }) => occurredAt).sort());
  for (const event of events) {
    expect(event.data).toMatchObject({
      callId: body['callId'],
      to: order.toPhone,
      from: expect.stringMatching(/^\+/),
      direction: 'outbound',
      metadata: { taskId: 'task-1', callerId: 'caller-1' },
    });
  }
  expect(events.map(({ data }) => data.durationSeconds)).toEqual([undefined, undefined, undefined, 95]);
  expect(new Set(received.map(({ headers }) => headers['x-yay-event-id'])).size).toBe(4);
  for (const { headers, raw } of received) {
    expect(headers['x-yay-signature']).toBe(signatureOf(raw, receiver.deliverTo.secret));
    expect(headers['x-yay-timestamp']).toMatch(/^\d{10}$/);
  }
  expect(await logOf(sandbox.httpUrl)).toMatchObject([
    { provider: 'yay', operation: 'call', subject: order.toPhone, idempotencyKey: 'task-1', outcome: 'answered' },
  ]);
});

test('an unanswered call has no call.answered and no duration', async () => {
  await play({ answered: false });
  const events = (await receiver.taken(3)).map(({ raw }) => JSON.parse(raw.toString()) as YayEvent);
  expect(events.map(({ type, data }) => [type, data.durationSeconds])).toEqual([
    ['call.started', undefined],
    ['call.ringing', undefined],
    ['call.ended', 0],
  ]);
});

test('a call to no number, or with unknown keys, is refused', async () => {
  expect(await play({ toPhone: '020 7946 0123' })).toMatchObject({ status: 400 });
  expect(await play({ whatever: true })).toMatchObject({ status: 400, body: { error: 'invalid' } });
});
