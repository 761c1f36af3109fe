/** API7: no spelling of an inner address gets through, before the dial or at it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { reachOf } from '../src/address.ts';
import { createEgress } from '../src/egress.ts';
import { startPeer } from './peer.ts';
import type { Peer } from './peer.ts';

let peer: Peer;
beforeEach(async () => {
  peer = await startPeer();
});
afterEach(async () => {
  await peer.stop();
});

const { signal } = new AbortController();

const loopbacks = [
  '127.0.0.1',
  '2130706433',
  '0x7f000001',
  '0x7f.0.0.1',
  '017700000001',
  '0177.0.0.1',
  '127.1',
  '127.0.1',
  '127.0.0.1.',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::]',
  '0.0.0.0',
  '①②⑦.⓪.⓪.①',
  '%31%32%37.0.0.1',
  '[64:ff9b::7f00:1]',
  '[64:ff9b:1::7f00:1]',
  '[2002:7f00:1::]',
  '[::127.0.0.1]',
  'localhost',
  'LOCALHOST',
  'localhost.',
  'db.localhost',
];
const inner = [
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '240.0.0.1',
  '[fd00:ec2::254]',
  '[fc00::1]',
  '[fe80::1]',
  '[ff02::1]',
  '[fec0::1]',
  '[2001::1]',
  '[2001:db8::1]',
  '[3fff::1]',
  '[5f00::1]',
  '[100::1]',
];

describe('[API7] an inner address is refused', () => {
  test.each([...loopbacks, ...inner])('%s', async (host) => {
    const egress = createEgress();
    const attempt = async (): Promise<unknown> =>
      egress.send(egress.target(`http://${host}/`), { method: 'GET', signal });
    await expect(attempt()).rejects.toMatchObject({ code: 'PRV_ERR_FORBIDDEN_ADDRESS' });
    await egress.stop();
  });

  test('a name that resolves inside, or to both worlds, is refused at the dial', async () => {
    for (const addresses of [['127.0.0.1'], ['93.184.216.34', '10.0.0.1'], ['::ffff:7f00:1'], ['fd00::1']]) {
      const egress = createEgress({
        resolve: () =>
          Promise.resolve(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))),
      });
      const target = egress.target('http://inside.example/');
      await expect(egress.send(target, { method: 'GET', signal })).rejects.toMatchObject({
        code: 'PRV_ERR_FORBIDDEN_ADDRESS',
      });
      await egress.stop();
    }
    expect(peer.connections).toBe(0);
  });

  test('rebinding: public when it is checked, loopback when it is dialled', async () => {
    const answers = ['93.184.216.34', '127.0.0.1'];
    const asked: string[] = [];
    const resolve = (hostname: string) => {
      asked.push(hostname);
      return Promise.resolve([{ address: answers.shift() ?? '127.0.0.1', family: 4 }]);
    };
    // the check that somebody made when the webhook was saved
    expect(reachOf((await resolve('rebind.example'))[0]?.address ?? '')).toBe('public');
    const egress = createEgress({ resolve });
    const send = egress.send(egress.target('http://rebind.example/'), { method: 'GET', signal });
    await expect(send).rejects.toMatchObject({ code: 'PRV_ERR_FORBIDDEN_ADDRESS' });
    expect(asked).toEqual(['rebind.example', 'rebind.example']);
    await egress.stop();
  });

  test('with allowPrivate the sandbox is reached by name, a metadata service is not', async () => {
    const egress = createEgress({
      allowPrivate: true,
      resolve: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
    });
    await expect(
      egress.send(egress.target(`http://sandbox.example:${peer.port}/`), { method: 'GET', signal }),
    ).resolves.toMatchObject({ status: 200 });
    expect(() => egress.target('http://169.254.169.254/latest/meta-data')).toThrow('may not be contacted');
    await egress.stop();
  });
});

test.each([
  'ftp://example.com/',
  'file:///etc/passwd',
  'gopher://example.com/',
  'http://user:pass@example.com/',
  'http://example.com:22/',
  'http://example.com:6379/',
  'nonsense',
  '//example.com',
])('[API7] %s is no URL to call', (url) => {
  expect(() => createEgress().target(url)).toThrow(expect.objectContaining({ code: 'PRV_ERR_BAD_REQUEST' }));
});

test.each([301, 302, 303, 307, 308])(
  '[API7] a %i to an inner address comes back as an answer and is not followed',
  async (status) => {
    const inside = await startPeer();
    peer.act = (socket) =>
      void socket.write(`HTTP/1.1 ${status} X\r\nlocation: ${inside.url}/secret\r\ncontent-length: 0\r\n\r\n`);
    const egress = createEgress({ allowPrivate: true });
    expect(await egress.send(egress.target(peer.url), { method: 'GET', signal })).toMatchObject({ status });
    expect(inside.connections).toBe(0);
    await egress.stop();
    await inside.stop();
  },
);
