/** Signed posts from outside, in every way of being wrong, and what follows from the right ones. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { derivedId, randomId, setFaultHook } from '@lead-flood/kernel';
import { sql } from '@lead-flood/postgres';
import { createMailThreadIds } from '@lead-flood/service';
import { clean } from '../src/housekeeping.ts';
import type { Gateway, Told } from './harness.ts';
import { seconds, secrets, sign, startGateway } from './harness.ts';

let gateway: Gateway;
const [taskId, callerId] = [randomId(), randomId()];
/** An organisation with a Yay account of its own, whose secret is being changed. */
const elsewhere = { orgId: randomId(), secret: 'elsewhere=secret-16', next: 'elsewhere-next-secret' };
beforeAll(async () => {
  gateway = await startGateway({
    YAY_WEBHOOK_SECRET_PREVIOUS: 'the-secret-before-this',
    YAY_WEBHOOK_SECRETS: `${elsewhere.orgId.toUpperCase()}=${elsewhere.secret}, ${elsewhere.orgId}=${elsewhere.next}`,
  });
});
afterEach(async () => {
  setFaultHook(null);
  await gateway.database.query(sql.unsafe`delete from outbox`);
});
afterAll(() => gateway.stop());

const yayBody = (data: Record<string, unknown> = {}, type = 'call.ended'): string =>
  JSON.stringify({
    type,
    occurredAt: '2026-03-02T10:00:00.000Z',
    data: {
      callId: `call_${randomId()}`,
      from: '+442079460000',
      durationSeconds: 61,
      metadata: { taskId, callerId },
      ...data,
    },
  });

const post = (
  provider: 'yay' | 'mail',
  body: string | Buffer,
  headers: Record<string, string | null> = {},
): Promise<Told> => {
  const all = {
    'content-type': 'application/json',
    [`x-${provider}-event-id`]: `evt_${randomId()}`,
    [`x-${provider}-timestamp`]: seconds(),
    [`x-${provider}-signature`]: sign(body, secrets[provider]),
    ...headers,
  };
  return gateway.ask(`/webhooks/${provider}`, {
    body,
    headers: Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null)),
  });
};
const stored = (eventId: string) =>
  gateway.database.maybeOne(
    sql.unsafe`select outcome, raw, org_id from processed_webhook_events where event_id = ${eventId}`,
  );

describe('Yay', () => {
  it('[GW-20][GW-22] takes a signed event: raw bytes kept, event in the outbox', async () => {
    const body = yayBody();
    const told = await post('yay', body, { 'x-yay-event-id': 'evt_1' });
    expect([told.status, told.json()]).toEqual([202, { status: 'accepted' }]);
    const row = (await stored('evt_1')) as { raw: Buffer; outcome: string };
    expect([row.outcome, row.raw.toString('utf8')]).toEqual(['accepted', body]);
    const [event] = await gateway.outbox();
    expect([event?.topic, event?.key]).toEqual(['ingest.call.v1', event?.data['callId']]);
    expect(event?.data).toMatchObject({
      eventId: 'evt_1',
      type: 'call.ended',
      taskId,
      callerId,
      durationSeconds: 61,
      occurredAt: Date.parse('2026-03-02T10:00:00Z'),
      orgId: gateway.seeded.orgId,
    });
  });

  it.each(['call.started', 'call.ringing', 'call.answered', 'call.ended', 'call.failed', 'call.recording_ready'])(
    '[GW-21] takes %s',
    async (type) => {
      expect((await post('yay', yayBody({ recordingUrl: 'https://rec.yay.example/1' }, type))).json()).toEqual({
        status: 'accepted',
      });
    },
  );

  it('[GW-21] keeps an unknown type raw and says so', async () => {
    const told = await post('yay', yayBody({}, 'call.teleported'), { 'x-yay-event-id': 'evt_odd' });
    expect([told.status, told.json(), (await gateway.outbox()).length]).toEqual([202, { status: 'ignored' }, 0]);
    expect(await stored('evt_odd')).toMatchObject({ outcome: 'ignored' });
  });

  it('[GW-22] the same event again is 200 and does nothing', async () => {
    const body = yayBody();
    await post('yay', body, { 'x-yay-event-id': 'evt_2' });
    const again = await post('yay', body, { 'x-yay-event-id': 'evt_2' });
    expect([again.status, again.json(), (await gateway.outbox()).length]).toEqual([200, { status: 'duplicate' }, 1]);
  });

  it('[GW-22] captured bytes under a fresh id and time are a duplicate too', async () => {
    const body = yayBody();
    await post('yay', body);
    expect((await post('yay', body)).json()).toEqual({ status: 'duplicate' });
  });

  it('[GW-22] of ten at once one is taken', async () => {
    const body = yayBody();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => post('yay', body, { 'x-yay-event-id': 'evt_3' })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array.from({ length: 9 }, () => 200), 202]);
    expect(await gateway.outbox()).toHaveLength(1);
  });

  it('[GW-22] a crash before the commit leaves nothing, so that the sender’s next try is taken', async () => {
    const body = yayBody();
    setFaultHook((point) => {
      if (point === 'db.commit.before') throw Object.assign(new Error('gone'), { code: '57P01' });
    });
    expect((await post('yay', body, { 'x-yay-event-id': 'evt_4' })).status).toBe(503);
    setFaultHook(null);
    expect(await stored('evt_4')).toBeNull();
    expect((await post('yay', body, { 'x-yay-event-id': 'evt_4' })).status).toBe(202);
  });

  it('the secret before this one is accepted while it is being changed', async () => {
    const body = yayBody();
    expect((await post('yay', body, { 'x-yay-signature': sign(body, 'the-secret-before-this') })).status).toBe(202);
  });

  type Wrong = [Record<string, string | null>, number, string];
  // Made when they are sent: times that were made earlier would have moved.
  const wrong = (): Record<string, Wrong> => ({
    'no signature': [{ 'x-yay-signature': null }, 401, 'IGW_ERR_SIGNATURE_MISSING'],
    'no timestamp': [{ 'x-yay-timestamp': null }, 401, 'IGW_ERR_SIGNATURE_MISSING'],
    'no event id': [{ 'x-yay-event-id': null }, 400, 'IGW_ERR_EVENT_ID_MISSING'],
    'an unfit event id': [{ 'x-yay-event-id': 'a b' }, 400, 'IGW_ERR_EVENT_ID_MISSING'],
    'another secret': [{ 'x-yay-signature': sign('x', 'another') }, 401, 'IGW_ERR_SIGNATURE_MISMATCH'],
    'a short signature': [{ 'x-yay-signature': 'abcd' }, 401, 'IGW_ERR_SIGNATURE_MISMATCH'],
    'two signatures': [
      { 'x-yay-signature': `${sign('x', 'y')}, ${sign('x', 'z')}` },
      401,
      'IGW_ERR_SIGNATURE_MISMATCH',
    ],
    '301 seconds old': [{ 'x-yay-timestamp': seconds(-301) }, 401, 'IGW_ERR_CLOCK_SKEW'],
    '302 seconds ahead': [{ 'x-yay-timestamp': seconds(302) }, 401, 'IGW_ERR_CLOCK_SKEW'],
    'a timestamp that is none': [{ 'x-yay-timestamp': 'yesterday' }, 401, 'IGW_ERR_CLOCK_SKEW'],
  });
  it.each(Object.keys(wrong()))('[GW-25] %s is refused by a code of its own', async (what) => {
    const [headers, status, code] = wrong()[what] ?? [{}, 0, ''];
    const told = await post('yay', yayBody(), headers);
    expect([told.status, told.detail()]).toEqual([status, code]);
    expect(await gateway.outbox()).toEqual([]);
  });

  it('[GW-20] 299 seconds old is taken', async () => {
    expect((await post('yay', yayBody(), { 'x-yay-timestamp': seconds(-299) })).status).toBe(202);
  });

  it('[GW-20] the signature is of the raw bytes: re-serialised JSON does not fit', async () => {
    const body = yayBody();
    const spaced = JSON.stringify(JSON.parse(body), null, 1);
    expect((await post('yay', spaced, { 'x-yay-signature': sign(body, secrets.yay) })).detail()).toBe(
      'IGW_ERR_SIGNATURE_MISMATCH',
    );
    expect((await post('yay', spaced)).status).toBe(202);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'refuses content type %s',
    async (type) => {
      expect((await post('yay', yayBody(), { 'content-type': type })).status).toBe(415);
    },
  );

  it('a body that is no event is 400, without a body 401', async () => {
    expect((await post('yay', '{"type":1}')).status).toBe(400);
    expect((await post('yay', '{"type":')).code()).toBe('invalid_payload');
    expect((await gateway.ask('/webhooks/yay', { method: 'POST' })).detail()).toBe('IGW_ERR_SIGNATURE_MISSING');
  });

  it('[GW-20] the secret that fits says whose call it is', async () => {
    for (const secret of [elsewhere.secret, elsewhere.next]) {
      const body = yayBody();
      expect((await post('yay', body, { 'x-yay-signature': sign(body, secret) })).status).toBe(202);
    }
    await post('yay', yayBody());
    const events = await gateway.outbox();
    expect(events.map(({ data }) => data['orgId'])).toEqual([elsewhere.orgId, elsewhere.orgId, gateway.seeded.orgId]);
    expect(events.map(({ headers }) => headers['org-id'])).toEqual(events.map(({ data }) => data['orgId']));
  });

  it('[GW-22] no account takes another one’s event ids, or bytes', async () => {
    const body = yayBody();
    const theirs = { 'x-yay-event-id': 'evt_shared', 'x-yay-signature': sign(body, elsewhere.secret) };
    expect((await post('yay', body, theirs)).json()).toEqual({ status: 'accepted' });
    expect((await post('yay', body, { 'x-yay-event-id': 'evt_shared' })).json()).toEqual({ status: 'accepted' });
    expect((await post('yay', body, theirs)).json()).toEqual({ status: 'duplicate' });
    const ids = (await gateway.outbox()).map(({ headers }) => headers['message-id']);
    expect(new Set(ids).size).toBe(2);
  });

  it.each([
    ['taskId', 't-1'],
    ['taskId', ''],
    ['callerId', 'demo-caller'],
    ['callerId', `${randomId()} `],
  ])('a %s that is no id (%j) is one refusal, and nothing is published', async (name, value) => {
    const told = await post('yay', yayBody({ metadata: { taskId, callerId, [name]: value } }));
    expect([told.status, told.code()]).toEqual([400, 'invalid_payload']);
    expect(told.text).toContain(`body.data.metadata.${name}`);
    expect(await gateway.outbox()).toEqual([]);
  });

  it('ids in capitals are those that we gave', async () => {
    await post('yay', yayBody({ metadata: { taskId: taskId.toUpperCase(), callerId: callerId.toUpperCase() } }));
    expect((await gateway.outbox())[0]?.data).toMatchObject({ taskId, callerId });
  });

  it('a post that is larger than any event is refused', async () => {
    expect((await post('yay', yayBody({ note: 'x'.repeat(70_000) }))).status).toBe(413);
  });

  it('raw bytes are dropped after a week, ids after a month', async () => {
    await post('yay', yayBody(), { 'x-yay-event-id': 'evt_old' });
    await gateway.database.query(
      sql.unsafe`update processed_webhook_events set received_at = now() - interval '8 days' where event_id = 'evt_old'`,
    );
    await clean(gateway.database);
    expect(await stored('evt_old')).toMatchObject({ raw: null });
    await gateway.database.query(
      sql.unsafe`update processed_webhook_events set received_at = now() - interval '31 days' where event_id = 'evt_old'`,
    );
    await clean(gateway.database);
    expect(await stored('evt_old')).toBeNull();
  });
});

describe('mail', () => {
  const ids = { messageId: randomId(), leadId: randomId(), orgId: randomId() };
  const domain = 'mail.lead-flood.example';
  const ours = `<${createMailThreadIds({ secret: secrets.thread, domain }).write(ids)}>`;
  const mail = (headers: string, text = 'Yes, call me.'): string =>
    [
      'From: =?utf-8?Q?Zo=C3=AB?= <zoe@aurora.se.example>',
      'To: sales@mail.lead-flood.example',
      'Subject: Re: Hello',
      headers,
      'Content-Type: text/plain; charset=utf-8',
      '',
      text,
      '',
    ]
      .filter((line, i) => line !== '' || i > 3)
      .join('\r\n');
  const body = (eventId: string, raw: string): string =>
    JSON.stringify({ eventId, receivedAt: '2026-03-02T10:00:00.000Z', raw });

  it('an answer to our message becomes ReplyReceived, keyed by the lead', async () => {
    const eventId = randomId();
    const headers = `Message-ID: <theirs/1@aurora.se.example>\r\nIn-Reply-To: ${ours}`;
    const told = await post('mail', body(eventId, mail(headers)), { 'x-mail-event-id': eventId });
    expect([told.status, told.json()]).toEqual([202, { status: 'accepted' }]);
    const [event] = await gateway.outbox();
    expect([event?.topic, event?.key]).toEqual(['ingest.reply.v1', ids.leadId]);
    expect(event?.data).toMatchObject({
      ...ids,
      replyId: derivedId('mail', eventId),
      transportMessageId: 'theirs/1@aurora.se.example',
      channel: 'email',
      subject: 'Re: Hello',
      person: { email: 'zoe@aurora.se.example', fullName: 'Zoë' },
      receivedAt: Date.parse('2026-03-02T10:00:00Z'),
    });
    expect(String(event?.data['text']).trim()).toBe('Yes, call me.');
  });

  it('finds the thread in References, and reads HTML', async () => {
    const eventId = randomId();
    const raw = mail(`In-Reply-To: <x@y.example>\r\nReferences: <a@b.example>\r\n ${ours}`)
      .replace('text/plain', 'text/html')
      .replace('Yes, call me.', '<p>Yes, <b>call</b> me.</p>');
    await post('mail', body(eventId, raw), { 'x-mail-event-id': eventId });
    expect(
      String((await gateway.outbox())[0]?.data['text'])
        .replaceAll(/\s+/g, ' ')
        .trim(),
    ).toBe('Yes, call me.');
  });

  it.each([
    'In-Reply-To: <somebody@else.example>',
    'X-Nothing: here',
    // What anybody can put together who has seen one of an organisation's mails.
    `In-Reply-To: <${randomId()}.${randomId()}.${ids.orgId}@${domain}>`,
    `In-Reply-To: ${ours.replace(ids.leadId, randomId())}`,
    `References: <${createMailThreadIds({ secret: 'y'.repeat(32), domain }).write(ids)}>`,
  ])('mail that answers nothing of ours is kept as unmatched (%s)', async (headers) => {
    const eventId = randomId();
    const told = await post('mail', body(eventId, mail(headers)), { 'x-mail-event-id': eventId });
    expect([told.status, told.json(), (await gateway.outbox()).length]).toEqual([202, { status: 'unmatched' }, 0]);
    expect(await stored(eventId)).toMatchObject({ outcome: 'unmatched', org_id: null });
  });

  it('a repeat is 200, another id in the header than in the signed body is refused', async () => {
    const eventId = randomId();
    const text = body(eventId, mail(`In-Reply-To: ${ours}`));
    await post('mail', text, { 'x-mail-event-id': eventId });
    expect((await post('mail', text, { 'x-mail-event-id': eventId })).status).toBe(200);
    expect((await post('mail', text, { 'x-mail-event-id': randomId() })).detail()).toBe('IGW_ERR_EVENT_ID_MISMATCH');
    expect(await gateway.outbox()).toHaveLength(1);
  });

  it('rubbish in place of a message harms nobody', async () => {
    for (const raw of [
      '\0\0\0',
      'x'.repeat(100_000),
      `Content-Type: multipart/mixed; boundary=a\r\n\r\n${'--a\r\n'.repeat(5_000)}`,
    ]) {
      const eventId = randomId();
      expect((await post('mail', body(eventId, raw), { 'x-mail-event-id': eventId })).status).toBe(202);
    }
  });

  it.each([
    ['angle brackets', '<'.repeat(500_000)],
    ['open tags', '<a '.repeat(100_000)],
    ['comments', '<!--'.repeat(75_000)],
    ['nested elements', '<div>'.repeat(60_000)],
    // The parser of mails needs 10 µs for a line, however short.
    ['empty lines', '\n'.repeat(400_000)],
    ['boundaries', '--a\n'.repeat(400_000)],
  ])('a stranger’s HTML of nothing but %s stops nobody', async (_what, html) => {
    for (const raw of [
      `In-Reply-To: ${ours}\r\nContent-Type: text/html\r\n\r\n${html}`,
      // two texts in a row are joined by the parser of mails itself
      `In-Reply-To: ${ours}\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\nhello\r\n--a\r\nContent-Type: text/html\r\n\r\n${html}\r\n--a--`,
    ]) {
      const eventId = randomId();
      const before = performance.now();
      expect((await post('mail', body(eventId, raw), { 'x-mail-event-id': eventId })).status).toBe(202);
      expect(performance.now() - before).toBeLessThan(2_500);
    }
  });

  it('the text of a mail with a large file is heard, the file is dropped', async () => {
    const file = `${'A'.repeat(76)}\r\n`.repeat(21_000);
    const part = (headers: string, text: string) => `--a\r\n${headers}\r\n\r\n${text}\r\n`;
    const headersOfFile = 'Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64';
    const wish = part('Content-Type: text/plain', 'Please unsubscribe me.');
    for (const parts of [wish + part(headersOfFile, file), part(headersOfFile, file) + wish]) {
      const eventId = randomId();
      const raw = `In-Reply-To: ${ours}\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n${parts}--a--\r\n`;
      expect(raw.length).toBeGreaterThan(1_600_000);
      const told = await post('mail', body(eventId, raw), { 'x-mail-event-id': eventId });
      expect([told.status, told.json()]).toEqual([202, { status: 'accepted' }]);
      // Only what is small is kept as it came; the digest recognises the others.
      expect(await stored(eventId)).toMatchObject({ raw: null });
      expect((await post('mail', body(eventId, raw), { 'x-mail-event-id': eventId })).json()).toEqual({
        status: 'duplicate',
      });
    }
    const heard = (await gateway.outbox()).map(({ data }) => String(data['text']).trim());
    expect(heard).toEqual(['Please unsubscribe me.', 'Please unsubscribe me.']);
    const huge = body(randomId(), 'x'.repeat(4_300_000));
    expect((await post('mail', huge)).status).toBe(413);
  });

  it('[GW-25] without a secret the door says so', async () => {
    const own = await startGateway({ MAIL_WEBHOOK_SECRET: '' });
    try {
      const told = await own.ask('/webhooks/mail', {
        json: {},
        headers: {
          'x-mail-event-id': 'a',
          'x-mail-timestamp': seconds(),
          'x-mail-signature': sign('{}', secrets.mail),
        },
      });
      expect([told.status, told.detail()]).toEqual([503, 'IGW_ERR_WEBHOOK_NOT_CONFIGURED']);
    } finally {
      await own.stop();
    }
  });
});
