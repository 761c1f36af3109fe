/** What one more sender takes: three invented ones, by a form, by XML and by JSON, on the doors of a real gateway. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { CallReported, Route } from '@lead-flood/contracts';
import { webhookAnswer } from '@lead-flood/contracts';
import { derivedId, randomId } from '@lead-flood/kernel';
import { defineSender } from '../src/webhooks-in/sender.ts';
import { senders } from '../src/webhooks-in/senders.ts';
import { secretHeader, secretPath, urlAndForm } from '../src/webhooks-in/signature-schemes.ts';
import type { Gateway, Told } from './harness.ts';
import { startGateway } from './harness.ts';

const secret = 'a-secret-of-an-invented-sender';
const orgId = randomId();
const accounts = () => [{ orgId, secret }];
const route = <B extends z.ZodType>(path: `/${string}`, body: B) =>
  ({
    service: 'ingest-gateway',
    method: 'POST',
    path,
    summary: 'invented',
    permission: 'public',
    body,
    answer: webhookAnswer,
    status: 202,
    errors: [],
    rows: [],
  }) as const satisfies Route;

const texts = defineSender({
  name: 'texts',
  route: route('/webhooks/texts', z.object({ Sid: z.string(), Status: z.string() })),
  bodies: ['form'],
  bytesMax: 1_000,
  eventId: { body: [['Sid'], ['Status']] },
  scheme: urlAndForm('x-texts-signature'),
  accounts,
  read: () => ({ outcome: 'ignored' }),
});

const call = (callId: string): CallReported => ({
  orgId,
  eventId: callId,
  type: 'call.ended',
  callId,
  taskId: null,
  callerId: null,
  occurredAt: 0,
  durationSeconds: null,
  recordingUrl: null,
});
const rings = defineSender({
  name: 'rings',
  route: route('/webhooks/rings/:token', z.object({ xml: z.object({ Call: z.array(z.string()) }) })),
  bodies: ['xml'],
  bytesMax: 1_000,
  eventId: 'bytes',
  scheme: secretPath,
  accounts,
  read: ({ body, eventId }) => ({
    outcome: 'accepted',
    events: body.xml.Call.map((id) => ({ name: 'CallReported', id: derivedId('rings', eventId, id), data: call(id) })),
  }),
});

const chats = defineSender({
  name: 'chats',
  route: route('/webhooks/chats', z.object({ update_id: z.int() })),
  bodies: ['json', 'form'],
  bytesMax: 1_000,
  eventId: { body: [['update_id']] },
  scheme: secretHeader('x-chats-token'),
  accounts,
  read: () => ({ outcome: 'unmatched' }),
});

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({}, [texts, rings, chats]);
});
afterAll(() => gateway.stop());

const post = (path: string, type: string, body: string, headers: Record<string, string> = {}): Promise<Told> =>
  gateway.ask(path, { body, headers: { 'content-type': type, ...headers } });
const form = 'application/x-www-form-urlencoded';
const signed = (status: string) =>
  createHmac('sha1', secret).update(`${gateway.url}/webhooks/textsSidm-1Status${status}`).digest('base64');

describe('a sender', () => {
  it('of forms is told apart by several fields of the body', async () => {
    for (const [status, answer] of [
      ['sent', 'ignored'],
      ['read', 'ignored'],
      ['sent', 'duplicate'],
    ] as const) {
      const headers = { 'x-texts-signature': signed(status) };
      expect((await post('/webhooks/texts', form, `Status=${status}&Sid=m-1`, headers)).json()).toEqual({
        status: answer,
      });
    }
  });

  it('of XML is known by its path; one post may carry several events', async () => {
    const xml = '<xml><Call>c-1</Call><Call>c-2</Call></xml>';
    expect((await post(`/webhooks/rings/${secret}`, 'text/xml', xml)).json()).toEqual({ status: 'accepted' });
    expect((await gateway.outbox()).map(({ data }) => [data['orgId'], data['callId']])).toEqual([
      [orgId, 'c-1'],
      [orgId, 'c-2'],
    ]);
    expect((await post(`/webhooks/rings/${secret}`, 'application/xml', xml)).json()).toEqual({ status: 'duplicate' });
    expect((await post(`/webhooks/rings/${secret}x`, 'text/xml', xml)).detail()).toBe('IGW_ERR_SIGNATURE_MISMATCH');
  });

  it('has bodies of its own kinds and size, and a code for an id that is missing', async () => {
    const headers = { 'x-chats-token': secret };
    const chat = (type: string, body: string) => post('/webhooks/chats', type, body, headers);
    expect((await chat('application/json', '{"update_id":5000000000}')).json()).toEqual({ status: 'unmatched' });
    expect((await chat('text/xml', '<a/>')).status).toBe(415);
    expect((await chat('application/json', '{}')).detail()).toBe('IGW_ERR_EVENT_ID_MISSING');
    expect((await chat('application/json', JSON.stringify({ x: 'x'.repeat(1_000) }))).status).toBe(413);
    // Taken as a form, and not as the contract says.
    expect((await chat(form, 'update_id=7')).code()).toBe('invalid_payload');
  });
});

describe('the table of senders', () => {
  it('has a name and a path once', () => {
    for (const values of [senders.map(({ name }) => name), senders.map((sender) => sender.route.path)])
      expect(new Set(values).size).toBe(values.length);
    expect(senders.every((sender) => sender.route.permission === 'public')).toBe(true);
  });
});
