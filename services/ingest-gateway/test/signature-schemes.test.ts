/** Every way in which senders sign: what is made as their documentation says is taken, and nothing that is changed. */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { SignatureScheme, SignedPost } from '../src/webhooks-in/signature-schemes.ts';
import { hmac, secretHeader, secretPath, svix, timeAndHmac, urlAndForm } from '../src/webhooks-in/signature-schemes.ts';
import { verifySignature } from '../src/webhooks-in/signature.ts';

const now = Date.parse('2026-03-02T10:00:00Z');
const time = String(now / 1_000);
const raw = Buffer.from('{"update_id":7,"text":"Grüße"}');
const secret = 'a-secret-of-this-sender';
const key = Buffer.from('a key of 24 random bytes').toString('base64');
const made = (
  parts: readonly (string | Buffer)[],
  by: string | Buffer,
  how: 'hex' | 'base64',
  algorithm = 'sha256',
) => {
  const hash = createHmac(algorithm, by);
  for (const part of parts) hash.update(part);
  return hash.digest(how);
};

type Case = { readonly scheme: SignatureScheme; readonly secret?: string; readonly post: Partial<SignedPost> };
const form = Buffer.from('To=%2B15005550006&From=%2B15005550001&Body=Yes+please&MediaUrl=b&MediaUrl=a');
const url = 'https://hooks.example/webhooks/sms?channel=1';
const timed = hmac({ header: 'x-sig', timestampHeader: 'x-time', before: (_post, at) => `${at}.` });

const cases: Readonly<Record<string, Case>> = {
  'hex over the body': {
    scheme: hmac({ header: 'x-sig' }),
    post: { headers: { 'x-sig': made([raw], secret, 'hex') } },
  },
  'hex over time and body': {
    scheme: timed,
    post: { headers: { 'x-time': time, 'x-sig': made([`${time}.`, raw], secret, 'hex') } },
  },
  'LINE: base64 over the body': {
    scheme: hmac({ header: 'x-line-signature', encoding: 'base64' }),
    post: { headers: { 'x-line-signature': made([raw], secret, 'base64') } },
  },
  'Trengo: time and hex in one header': {
    scheme: timeAndHmac({ header: 'trengo-signature' }),
    post: { headers: { 'trengo-signature': `${time};${made([`${time}.`, raw], secret, 'hex')}` } },
  },
  'Svix: several signatures over id, time and body': {
    scheme: svix(),
    secret: `whsec_${key}`,
    post: {
      headers: {
        'svix-id': 'msg_1',
        'svix-timestamp': time,
        'svix-signature': `v1,${made(['another'], key, 'base64')} v1a,x v1,${made([`msg_1.${time}.`, raw], Buffer.from(key, 'base64'), 'base64')}`,
      },
    },
  },
  'Twilio: SHA-1 over URL and sorted form': {
    scheme: urlAndForm('x-twilio-signature'),
    post: {
      raw: form,
      url,
      headers: {
        'x-twilio-signature': made(
          [`${url}BodyYes pleaseFrom+15005550001MediaUrlbMediaUrlaTo+15005550006`],
          secret,
          'base64',
          'sha1',
        ),
      },
    },
  },
  'Telegram: the secret in a header': {
    scheme: secretHeader('x-telegram-bot-api-secret-token'),
    post: { headers: { 'x-telegram-bot-api-secret-token': secret } },
  },
  '2Chat: the secret in the path': { scheme: secretPath, post: { token: secret } },
};

const postOf = (post: Partial<SignedPost>): SignedPost => ({ raw, headers: {}, url, token: null, ...post });
const accountsOf = (...secrets: string[]) => secrets.map((one, i) => ({ orgId: String(i), secret: one }));

describe.each(Object.entries(cases))('%s', (_name, { scheme, secret: own = secret, post }) => {
  const whose = (changed: Partial<SignedPost>, ...secrets: string[]): string =>
    verifySignature(postOf({ ...post, ...changed }), scheme, accountsOf(...secrets), now).orgId;
  const changed = (text: string): string => `${text.slice(0, -3)}${text.at(-3) === 'A' ? 'B' : 'A'}${text.slice(-2)}`;

  it('is by the account whose secret fits', () => {
    expect(whose({}, own)).toBe('0');
    expect(whose({}, 'another-secret', own)).toBe('1');
  });

  it('is by nobody else', () => {
    for (const others of [['another-secret'], [`${own}xx`], [own.slice(0, -1)], ['whsec_', '']])
      expect(() => whose({}, ...others)).toThrow(expect.objectContaining({ code: 'IGW_ERR_SIGNATURE_MISMATCH' }));
    expect(() => whose({})).toThrow(expect.objectContaining({ code: 'IGW_ERR_WEBHOOK_NOT_CONFIGURED' }));
  });

  it('is by nobody once it is changed', () => {
    const headers = Object.entries(post.headers ?? {}).map(([name, value]) => ({
      headers: { ...post.headers, [name]: changed(String(value)) },
    }));
    const token = post.token === undefined ? [] : [{ token: changed(String(post.token)) }];
    for (const one of [...headers, ...token])
      expect(() => whose(one, own)).toThrow(expect.objectContaining({ code: 'IGW_ERR_SIGNATURE_MISMATCH' }));
  });

  it('is asked for where it is missing', () => {
    for (const name of Object.keys(post.headers ?? { token: '' }))
      for (const value of [undefined, '', ['a', 'b']])
        expect(() => whose({ headers: { ...post.headers, [name]: value }, token: null }, own)).toThrow(
          expect.objectContaining({ code: 'IGW_ERR_SIGNATURE_MISSING' }),
        );
  });
});

describe('what is signed', () => {
  const signed = Object.entries(cases).filter(([name]) => /hex|base64|signatures|SHA/.test(name));
  it.each(signed)('%s: other bytes are not', (_name, { scheme, secret: own = secret, post }) => {
    const other = postOf({ ...post, raw: Buffer.concat([post.raw ?? raw, Buffer.from('&x=1')]) });
    expect(() => verifySignature(other, scheme, accountsOf(own), now)).toThrow(/not that of these bytes/);
  });

  it.each([-301, 301])('with a time in it is refused %i seconds away', (seconds) => {
    const clock = now + seconds * 1_000;
    for (const name of [
      'hex over time and body',
      'Trengo: time and hex in one header',
      'Svix: several signatures over id, time and body',
    ]) {
      const { scheme, secret: own = secret, post } = cases[name] as Case;
      expect(() => verifySignature(postOf(post), scheme, accountsOf(own), clock)).toThrow(
        expect.objectContaining({ code: 'IGW_ERR_CLOCK_SKEW' }),
      );
    }
  });

  it('with a time that is none is refused', () => {
    const at = 'soon';
    const post = postOf({ headers: { 'x-time': at, 'x-sig': made([`${at}.`, raw], secret, 'hex') } });
    expect(() => verifySignature(post, timed, accountsOf(secret), now)).toThrow(/seconds away/);
  });
});
