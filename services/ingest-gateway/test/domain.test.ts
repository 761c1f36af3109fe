/** The gateway's pure parts: columns of CSV files, rate windows, path aliases, threads of mail, uploads as jobs, the policy. */
import { describe, expect, it } from 'vitest';
import type { Route } from '@lead-flood/contracts';
import { allRoutes, permissionsOf, roles, scopeFor, scopes } from '@lead-flood/contracts';
import { CodedError, randomId } from '@lead-flood/kernel';
import { assertAllowed } from '../src/access/policy.ts';
import { splitApiKey, makeApiKey } from '../src/auth/api-key.ts';
import { hashPassword, isPassword } from '../src/auth/password.ts';
import { guessDelimiter, readHeader, toLeadFields } from '../src/domain/lead-columns.ts';
import { createMailThreadIds } from '@lead-flood/service';
import { findThread } from '../src/webhooks-in/mail-thread.ts';
import { canonicalUrl } from '../src/domain/path-alias.ts';
import { strictest } from '../src/domain/rate-window.ts';
import type { Upload } from '../src/domain/upload-job.ts';
import { uploadJob } from '../src/domain/upload-job.ts';
import { createRateLimiter } from '../src/limits/rate-limiter.ts';
import { networkOf } from '../src/limits/request-limits.ts';

describe('policy', () => {
  const cases = Object.entries(allRoutes).flatMap(([name, route]) => roles.map((role) => [name, role, route] as const));

  it.each(cases)('[X-RB-04] %s by %s is as the table says', (_name, role, route) => {
    const caller = {
      principal: { userId: 'u', orgId: 'o', role, scopes: [] },
      sessionId: null,
      isMinted: false,
      apiKey: null,
    };
    const may = route.permission === 'public' || permissionsOf[role].has(route.permission);
    const attempt = (): void => {
      assertAllowed(route, caller);
    };
    if (may) expect(attempt).not.toThrow();
    else expect(attempt).toThrow(expect.objectContaining({ code: 'IGW_ERR_ROLE' }));
  });

  it('[X-RB-01] callers reach nothing but their tasks and themselves', () => {
    const open = Object.values(allRoutes).filter(
      ({ permission }) => permission !== 'public' && permissionsOf.caller.has(permission),
    );
    expect(new Set(open.map(({ permission }) => permission)).isSubsetOf(new Set(['self', 'call-tasks:work']))).toBe(
      true,
    );
  });

  it.each([
    ['leads:write', 'admin member ops'],
    ['leads:delete', 'admin member'],
    ['leads:read', 'admin member ops viewer'],
    ['admin', 'admin'],
  ] as const)('[X-RB-03] %s is of %s', (permission, expected) => {
    expect(
      roles
        .filter((role) => permissionsOf[role].has(permission))
        .toSorted()
        .join(' '),
    ).toBe(expected);
  });

  it('[X-AK-02] a key needs the scope of the method, on top of its owner’s role', () => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const) {
      for (const scope of scopes) {
        const route: Pick<Route, 'permission' | 'method'> = { permission: 'leads:read', method };
        const caller = {
          principal: { userId: 'u', orgId: 'o', role: 'admin', scopes: [scope] },
          sessionId: null,
          isMinted: false,
          apiKey: { id: 'k', plan: 'free' as const },
        };
        if (scopeFor(method) === scope)
          expect(() => {
            assertAllowed(route, caller);
          }).not.toThrow();
        else
          expect(() => {
            assertAllowed(route, caller);
          }).toThrow(CodedError);
      }
    }
  });

  it('an unknown role may nothing', () => {
    const caller = {
      principal: { userId: 'u', orgId: 'o', role: 'constructor', scopes: [] },
      sessionId: null,
      isMinted: false,
      apiKey: null,
    };
    expect(() => {
      assertAllowed({ permission: 'self', method: 'GET' }, caller);
    }).toThrow(expect.objectContaining({ code: 'IGW_ERR_ROLE' }));
  });
});

describe('path aliases', () => {
  it.each([
    ['/api/v1/leads', '/v1/leads'],
    ['/api/leads?x=/api/v1/', '/v1/leads?x=/api/v1/'],
    ['/api/auth/login', '/v1/auth/login'],
    ['/v1/leads', '/v1/leads'],
    ['/webhooks/yay', '/webhooks/yay'],
    ['/api/webhooks/yay', '/v1/webhooks/yay'],
    ['/apix', '/apix'],
    ['/api/../internal', '/v1/../internal'],
  ])('[GW-12] %s is %s', (url, canonical) => {
    expect(canonicalUrl(url)).toBe(canonical);
  });
});

describe('rate windows', () => {
  const limit = { max: 40, seconds: 60 };

  it('tells what is left and when the window ends', async () => {
    const limiter = createRateLimiter(null, () => 30_000);
    expect(await limiter.take('ip:1', limit)).toEqual({ allowed: true, limit: 40, remaining: 39, resetAt: 90_000 });
    expect(await limiter.take('ip:1', limit)).toMatchObject({ remaining: 38 });
  });

  it('of several windows a refusal is told, else the least left', () => {
    const open = { allowed: true, limit: 10, remaining: 3, resetAt: 1 };
    const shut = { allowed: false, limit: 5, remaining: 0, resetAt: 2 };
    expect(strictest([open, shut])).toBe(shut);
    expect(strictest([{ ...open, remaining: 9 }, open])).toBe(open);
    expect(strictest([])).toBeNull();
  });

  it('[X-RL-02] without Redis a replica keeps to the limit alone', async () => {
    const limiter = createRateLimiter(null, () => 30_000);
    const verdicts = await Promise.all(Array.from({ length: 100 }, () => limiter.take('ip:1', limit)));
    expect(verdicts.filter(({ allowed }) => allowed)).toHaveLength(40);
  });

  it('the next window starts anew, and keys do not share', async () => {
    let now = 59_000;
    const limiter = createRateLimiter(null, () => now);
    const one = { max: 1, seconds: 60 };
    expect((await limiter.take('a', one)).allowed).toBe(true);
    expect((await limiter.take('a', one)).allowed).toBe(false);
    expect((await limiter.take('b', one)).allowed).toBe(true);
    now = 119_000;
    expect((await limiter.take('a', one)).allowed).toBe(true);
  });

  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:0db8:0001:0002::9', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
  ])('%s counts as %s', (ip, network) => {
    expect(networkOf(ip)).toBe(network);
  });
});

describe('columns of a CSV file', () => {
  it.each([
    ['E-mail', 'email'],
    ['Work Email', 'email'],
    ['EMAIL_ADDRESS', 'email'],
    ['First name', 'firstName'],
    ['Surname', 'lastName'],
    ['Job Title', 'title'],
    ['Company Name', 'company'],
    ['Website', 'domain'],
    ['LinkedIn URL', 'linkedinUrl'],
    ['# Employees', 'employees'],
    ['Country', 'countryIso'],
  ])('[GW-34] %s is %s', (cell, field) => {
    expect(readHeader([cell, 'phone'])).toEqual({
      ok: true,
      columns: [
        { kind: 'field', name: field },
        { kind: 'field', name: 'phone' },
      ],
    });
  });

  it('[GW-34] a bare id is a custom field: in two files the same numbers are not the same leads', () => {
    expect(readHeader(['id', 'email'])).toMatchObject({
      ok: true,
      columns: [{ kind: 'custom', name: 'id' }, { kind: 'field' }],
    });
  });

  it('keeps unknown columns as custom fields and drops names that reach a prototype', () => {
    expect(readHeader(['email', 'Favourite colour', '__proto__', ''])).toEqual({
      ok: true,
      columns: [
        { kind: 'field', name: 'email' },
        { kind: 'custom', name: 'Favourite colour' },
        { kind: 'none' },
        { kind: 'none' },
      ],
    });
  });

  it('refuses a file without identity, with a column twice, with an endless name', () => {
    for (const cells of [['name'], ['email', 'E-Mail'], ['email', 'x'.repeat(61)]])
      expect(readHeader(cells).ok).toBe(false);
  });

  it('turns cells into what a client would have posted', () => {
    const header = readHeader(['email', 'country', 'employees', 'website', 'tier']);
    if (!header.ok) throw new Error('header');
    expect(
      toLeadFields(header.columns, [' a@b.example ', 'se', '1,200', 'https://b.example/about', 'gold', 'beyond']),
    ).toEqual({
      email: 'a@b.example',
      countryIso: 'SE',
      employees: 1_200,
      domain: 'b.example',
      customFields: { tier: 'gold' },
    });
    expect(toLeadFields(header.columns, ['a@b.example', '', 'many'])).toEqual({
      email: 'a@b.example',
      employees: 'many',
      customFields: {},
    });
  });

  it.each([
    ['a,b\n', ','],
    ['a;b,c;d\n', ';'],
    ['a\tb\tc', '\t'],
    ['"x,y,z";b\n', ';'],
    ['email\n;;;;', ','],
    ['', ','],
  ])('the delimiter of %j is %j', (text, delimiter) => {
    expect(guessDelimiter(text)).toBe(delimiter);
  });
});

describe('threads of mail', () => {
  const ids = { messageId: randomId(), leadId: randomId(), orgId: randomId() };
  const domain = 'mail.lead-flood.example';
  const { write, read } = createMailThreadIds({ secret: 'x'.repeat(32), domain });
  const ours = `<${write(ids)}>`;

  it('finds what is answered', () => {
    expect(findThread({ inReplyTo: ours, references: null }, read)).toEqual(ids);
    expect(
      findThread({ inReplyTo: '<x@y.example>', references: `<a@b.example>\r\n ${ours} <c@d.example>` }, read),
    ).toEqual(ids);
    expect(findThread({ inReplyTo: ours.toUpperCase(), references: null }, read)).toEqual(ids);
  });

  it.each([
    `<${randomId()}@mail.lead-flood.example>`,
    ours.replace('mail.lead', 'mail.evil'),
    `${ours.slice(0, -1)}.example>`,
    '<a.b.c@mail.lead-flood.example>',
    `<${ids.messageId}.${ids.leadId}.${ids.orgId}@mail.lead-flood.example>`,
    'nothing',
    '<<>>',
  ])('%s is nobody’s', (inReplyTo) => {
    expect(findThread({ inReplyTo, references: null }, read)).toBeNull();
  });

  it('reads a hostile header in time', () => {
    const before = Date.now();
    findThread({ inReplyTo: '<'.repeat(200_000), references: '<a'.repeat(100_000) }, read);
    expect(Date.now() - before).toBeLessThan(1_000);
  });
});

describe('an upload as a job', () => {
  const upload: Upload = {
    id: randomId(),
    kind: 'csv',
    state: 'received',
    rowsTotal: 10,
    accepted: 8,
    refused: 2,
    error: null,
    createdAt: 0,
    updatedAt: 0,
  };

  it.each([
    ['received', 8, null, 'queued'],
    ['received', 8, 0, 'queued'],
    ['received', 8, 3, 'running'],
    ['received', 8, 8, 'completed'],
    ['received', 0, null, 'completed'],
    ['receiving', 8, 8, 'running'],
    ['failed', 8, 8, 'failed'],
  ] as const)('[GW-13] %s with %i accepted and %s done is %s', (state, accepted, done, status) => {
    expect(uploadJob({ ...upload, state, accepted }, done).status).toBe(status);
  });

  it('[GW-13] never tells more done than accepted', () => {
    expect(uploadJob(upload, 20).progress).toEqual({ total: 10, accepted: 8, refused: 2, done: 8 });
  });
});

describe('secrets', () => {
  it('[X-AU-08] a password’s digest is argon2id with its costs, and differs each time', async () => {
    const [one, two] = await Promise.all([hashPassword('Correct-1'), hashPassword('Correct-1')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(one).not.toBe(two);
    expect([
      await isPassword('Correct-1', one),
      await isPassword('correct-1', one),
      await isPassword('x', null),
      await isPassword('x', 'garbage'),
    ]).toEqual([true, false, false, false]);
  });

  it('[X-AK-02] a key is its public prefix and 256 random bits', () => {
    const { key, prefix } = makeApiKey();
    expect(splitApiKey(key)).toEqual({ prefix, secret: key.slice(16) });
    expect(Buffer.from(key.slice(16), 'base64url')).toHaveLength(32);
    for (const text of ['', 'lf_', 'lf_a_b', `${key}x`, key.toUpperCase()]) expect(splitApiKey(text)).toBeNull();
  });
});
