/** Logs: what is not on the list is dropped, and no foreign text gets in; a canary is planted wherever one could. */
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CodedError } from '@lead-flood/kernel';
import { sql } from '@lead-flood/postgres';
import { createLog, logError } from '@lead-flood/service';
import { createTestDatabase } from '@lead-flood/testing';
import type { TestDatabase } from '@lead-flood/testing';

const CANARY = 'canary.person@aurora.se.example';

function capture() {
  const lines: string[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(chunk.toString());
      done();
    },
  });
  const log = createLog('scoring', { LOG_LEVEL: 'debug', APP_ENV: 'test' }, stream);
  return { log, text: () => lines.join(''), last: () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown> };
}

describe('a log line', () => {
  it('says who, when and what as JSON', () => {
    const { log, last } = capture();
    log.info({ group: 'scoring', count: 3 }, 'done');
    expect(last()).toMatchObject({
      level: 'info',
      service: 'scoring',
      env: 'test',
      group: 'scoring',
      count: 3,
      message: 'done',
    });
    expect(Date.parse(String(last()['timestamp']))).not.toBeNaN();
  });

  it('drops every field that is not on the list, however deep the person hides in it', () => {
    const { log, text } = capture();
    log.info(
      { email: CANARY, lead: { person: { email: CANARY } }, body: [[[CANARY]]], headers: { authorization: CANARY } },
      'lead',
    );
    log.error({ request: { body: { person: { email: CANARY } } }, leadId: 'l-1' }, 'failed');
    expect(text()).not.toContain('canary');
    expect(text()).toContain('l-1');
  });
});

describe('a field whose name is on the list', () => {
  it('holds a plain value: a record under a known name is dropped with all that is in it', () => {
    const { log, text, last } = capture();
    log.info({ state: { person: { email: CANARY } }, reason: [CANARY], error: new Error(CANARY), count: 1 }, 'known');
    log.warn({ err: { email: CANARY, nested: { email: CANARY } }, code: 'X' }, 'no error at all');
    expect(text()).not.toContain('canary');
    expect(last()).toMatchObject({ code: 'X' });
  });

  it('is all that a child of the log, and the child’s child, may be bound to', () => {
    const { log, text, last } = capture();
    const child = log.child({ requestId: 'r-1', email: CANARY, state: { email: CANARY }, err: new Error(CANARY) });
    child.info('bound');
    child.child({ phone: CANARY, group: 'g' }).info({ email: CANARY }, 'bound twice');
    child.setBindings({ fullName: CANARY });
    child.info('bound later');
    expect(text()).not.toContain('canary');
    expect(last()).toMatchObject({ requestId: 'r-1', message: 'bound later' });
    expect(text()).toContain('"group":"g"');
  });
});

describe('an error in the log', () => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await createTestDatabase({ schema: 'service_test', migrations: join(import.meta.dirname, 'migrations') });
    await test.database.query(sql.unsafe`insert into mails values (${CANARY})`);
  });
  afterAll(() => test.drop());

  it('of Postgres keeps its state and loses its text, which quotes the row', async () => {
    const violation: unknown = await test.database
      .query(sql.unsafe`insert into mails values (${CANARY})`)
      .catch((error: unknown) => error);
    // The canary is really there: without the list it would be logged.
    expect(
      JSON.stringify(violation, Object.getOwnPropertyNames(violation).concat('cause', 'detail', 'values')),
    ).toContain('canary');
    const { log, text, last } = capture();
    log.error({ err: violation }, 'request failed');
    log.error({ err: logError(violation) }, 'request failed');
    expect(text()).not.toContain('canary');
    expect(logError(violation)).toMatchObject({ sqlState: '23505' });
    expect(last()).toMatchObject({ err: { sqlState: '23505' } });
  });

  it('is told whole, with its code and place, whether the caller has made it safe or the log does', () => {
    const { log, last } = capture();
    const error = new CodedError('SVC_ERR_X', 'ours', { cause: new RangeError(CANARY) });
    for (const err of [error, logError(error)]) {
      log.warn({ err }, 'failed');
      expect(last()['err']).toMatchObject({
        code: 'SVC_ERR_X',
        message: 'ours',
        stack: expect.stringContaining('log.test.ts') as string,
        cause: { name: 'RangeError' },
      });
    }
  });

  it('of others keeps name and code; the text of ours is written', () => {
    expect(logError(new SyntaxError(`Unexpected token in "${CANARY}"`))).not.toHaveProperty('message');
    expect(logError(Object.assign(new Error(CANARY), { code: 'ECONNRESET' }))).toMatchObject({
      name: 'Error',
      code: 'ECONNRESET',
    });
    expect(
      logError(new CodedError('SVC_ERR_X', 'ours', { cause: new Error(CANARY), details: { email: CANARY } })),
    ).toMatchObject({ code: 'SVC_ERR_X', message: 'ours' });
    const all = [
      new Error(CANARY),
      new AggregateError([new Error(CANARY)], CANARY),
      new CodedError('SVC_ERR_X', 'ours', { cause: new Error(CANARY), details: { email: CANARY } }),
      CANARY,
      { email: CANARY },
    ];
    expect(JSON.stringify(all.map(logError))).not.toContain('canary');
  });
});
