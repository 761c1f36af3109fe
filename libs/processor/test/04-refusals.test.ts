/**
 * Chapter 04: what cannot be processed.
 *
 * One bad message hurts only itself. Wherever it is refused, it goes to `<group>.dead-letter.v1` with its original
 * bytes, key and headers, and added headers say where it was met and why; the messages before and after it are
 * processed as if it had not been there.
 *
 *   bytes ──decode──▶ event ──decide──▶ state ──save──▶ row
 *           │ KFK_ERR_*         │ reject, or throws     │ Postgres refuses: halve the batch until one stands alone
 *           ▼                   ▼                       ▼
 *        ─────────────────── dead letter ───────────────────
 *
 * When most of a batch would go there for one reason, something else is wrong (a deploy, a schema): the shell stops and
 * calls for a human instead of draining the stream.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { avroSchemas } from '@lead-flood/contracts';
import { createProducer, deadLetterFacts, toReplay } from '@lead-flood/kafka';
import type { OutgoingRecord, RawRecord } from '@lead-flood/kafka';
import { platformOrg, reject, skip } from '@lead-flood/kernel';
import { sql } from '@lead-flood/postgres';
import { batchProcessor, effectProcessor, silentTelemetry } from '@lead-flood/processor';
import type { Running, Starter } from '@lead-flood/processor';
import {
  createLine,
  encodeTestEvent,
  eventually,
  sampleDiscovered,
  sampleId,
  sendBomb,
  testEnvironment,
} from '@lead-flood/testing';
import type { Line } from '@lead-flood/testing';
import { countSetAside } from '../src/flood.ts';
import {
  at,
  company,
  countOf,
  counts,
  createAppraiser,
  createWorld,
  enriched,
  header,
  rowsIn,
  startOn,
  tally,
} from './example.ts';

const TOPIC = 'enrichment.lead.v1';

/** Registers without a rule, as a careless writer might. */
async function registerForeign(subject: string, schema: object): Promise<number> {
  const answer = await fetch(`${testEnvironment().SCHEMA_REGISTRY_URL}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ schema: JSON.stringify(schema) }),
  });
  return ((await answer.json()) as { id: number }).id;
}

const withId = (value: Buffer, id: number): Buffer => {
  const changed = Buffer.from(value);
  changed.writeInt32BE(id, 1);
  return changed;
};

describe('a message that cannot be processed', () => {
  let line: Line;
  let letters: readonly RawRecord[];
  const sent = new Map<string, OutgoingRecord>();

  beforeAll(async () => {
    line = await createLine(batchProcessor(tally), at);
    const good = encodeTestEvent(line.codec, enriched('ada', 1));
    const value = good.value ?? Buffer.alloc(0);
    const bad = (name: string, bytes: Buffer | null, headers: Record<string, string> = {}): void => {
      sent.set(name, { topic: TOPIC, key: sampleId('bad', name), value: bytes, headers: { note: name, ...headers } });
    };
    const event = (name: string, version: number, overrides: Parameters<typeof enriched>[2]): void => {
      const record = encodeTestEvent(line.codec, enriched(name, version, overrides));
      sent.set(name, { ...record, headers: { ...record.headers, note: name } });
    };
    bad('tombstone', null);
    bad('empty value', Buffer.alloc(0));
    bad('json', Buffer.from('{"leadId":"1"}'));
    bad('unknown schema', withId(value, 2_000_000_000));
    bad('another event', line.codec.encode('LeadDiscovered', sampleDiscovered()));
    bad(
      'incompatible schema',
      withId(
        value,
        await registerForeign('manual-incompatible', {
          ...avroSchemas.LeadEnriched,
          fields: [{ name: 'orgId', type: 'int' }],
        }),
      ),
    );
    bad('truncated', value.subarray(0, value.length - 4));
    bad('trailing bytes', Buffer.concat([value, Buffer.from([1, 2, 3])]));
    // After two ids of 36 characters comes a time: six bytes, here replaced by a number beyond 2^53.
    bad(
      'corrupt',
      Buffer.concat([value.subarray(0, 79), Buffer.from('ffffffffffffffff7f', 'hex'), value.subarray(85)]),
    );
    bad('org id', line.codec.encode('LeadEnriched', enriched('zoe', 1, { orgId: 'not-an-id' }).data));
    bad('platform org', line.codec.encode('LeadEnriched', enriched('zoe', 1, { orgId: platformOrg }).data));
    bad('foreign org', value, { 'org-id': sampleId('another org') });
    event('refused by the decision', 1, { emailStatus: 'invalid' });
    event('throws', 1, { company: { ...enriched('x', 1).data.company, industry: 'Bugs' } });
    event('unstorable', 1, company('Unstorable AB'));
    // The row of good-0 belongs to the sample organisation; this one names it and comes from another.
    event('row of another organisation', 2, { leadId: sampleId('good-0'), orgId: sampleId('another org') });
    sent.set('key that is no id', { ...good, key: 'not-a-uuid', headers: { note: 'key that is no id' } });

    const between = [...sent.values()].flatMap((record, i) => [
      record,
      encodeTestEvent(line.codec, enriched(`good-${i}`, 1)),
    ]);
    await line.publishRaw(...between);
    await line.start();
    await line.caughtUp();
    letters = await line.records('tally.dead-letter.v1');
  });
  afterAll(() => line.close());

  const letter = (name: string): RawRecord | undefined => letters.find((one) => header(one, 'note') === name);

  it.each([
    ['tombstone', 'KFK_ERR_EMPTY', 'decode'],
    ['empty value', 'KFK_ERR_EMPTY', 'decode'],
    ['json', 'KFK_ERR_NO_MAGIC_BYTE', 'decode'],
    ['unknown schema', 'KFK_ERR_UNKNOWN_SCHEMA', 'decode'],
    ['another event', 'KFK_ERR_UNEXPECTED_EVENT', 'decode'],
    ['incompatible schema', 'KFK_ERR_INCOMPATIBLE_SCHEMA', 'decode'],
    ['truncated', 'KFK_ERR_TRUNCATED', 'decode'],
    ['trailing bytes', 'KFK_ERR_TRAILING_BYTES', 'decode'],
    ['corrupt', 'KFK_ERR_CORRUPT', 'decode'],
    ['org id', 'KFK_ERR_BAD_HEADER', 'decode'],
    ['platform org', 'PRC_ERR_PLATFORM_ORG', 'decode'],
    ['foreign org', 'PRC_ERR_FOREIGN_ORG', 'decode'],
    ['refused by the decision', 'EXA_ERR_INVALID_EMAIL', 'decide'],
    ['row of another organisation', 'PRC_ERR_FOREIGN_ORG', 'decide'],
    ['throws', 'PRC_ERR_HANDLER_FAULT', 'decide'],
    ['unstorable', 'PRC_ERR_UNSTORABLE', 'save'],
    ['key that is no id', 'PRC_ERR_UNSTORABLE', 'save'],
  ])('%s becomes a dead letter with the code %s', (name, code, step) => {
    const found = letter(name);
    expect(found === undefined ? null : deadLetterFacts(found)).toMatchObject({
      code,
      step,
      group: 'tally',
      topic: line.prefix + TOPIC,
    });
    // As it came: the same bytes, the same key.
    expect(found?.value).toEqual(sent.get(name)?.value);
    expect(found?.key?.toString()).toBe(sent.get(name)?.key);
  });

  it('leaves exactly one dead letter and no state of its own', async () => {
    expect(letters).toHaveLength(sent.size);
    expect(await countOf(line.database, 'unstorable')).toBe(0);
  });

  it('does not keep its neighbours from being processed', async () => {
    const all = await counts(line.database);
    expect([...sent].map((_, i) => all[sampleId(`good-${i}`)])).toEqual([...sent].map(() => 1));
  });
});

describe('a compressed batch that unpacks to more than a process should hold', () => {
  it('is one dead letter, and what stands behind it is processed', async () => {
    const line = await createLine(batchProcessor(tally), at);
    await line.publish(enriched('zoe', 1));
    await sendBomb(line.client, line.prefix + TOPIC);
    await line.publish(enriched('zoe', 2));
    await line.start();
    await line.caughtUp();
    const letters = await line.records('tally.dead-letter.v1');
    expect(letters.map(deadLetterFacts)).toMatchObject([{ code: 'KFK_ERR_COMPRESSION', step: 'decode' }]);
    expect(letters[0]?.value?.length).toBeLessThan(1_048_576);
    expect(await countOf(line.database, 'zoe')).toBe(2);
    await line.close();
  }, 20_000);
});

describe('a header without a value, as other clients write them', () => {
  it('is as if it was not there', async () => {
    const line = await createLine(batchProcessor(tally), at);
    const producer = await createProducer(line.client);
    const { headers, ...record } = encodeTestEvent(line.codec, enriched('zoe', 1));
    await producer.send([
      { ...record, topic: line.prefix + TOPIC, headers: { ...headers, 'org-id': null, 'correlation-id': null } },
    ]);
    await line.start();
    await line.caughtUp();
    expect(await countOf(line.database, 'zoe')).toBe(1);
    await Promise.all([producer.stop(), line.close()]);
  });
});

describe('a foreign message of bytes that are no text', () => {
  it('can be replayed as it came: key, repeated headers and all', async () => {
    const line = await createLine(batchProcessor(tally), at);
    const producer = await createProducer(line.client);
    const original = {
      key: Buffer.from([0xff, 0x00, 0xfe]),
      value: Buffer.from('garbage'),
      headers: {
        note: 'Zoë',
        hash: Buffer.from([0xc3, 0x28]),
        via: [Buffer.from('one'), Buffer.from([0x80])],
        nothing: null,
      },
    };
    await producer.send([{ ...original, topic: line.prefix + TOPIC }]);
    await line.start();
    await line.caughtUp();
    const [found] = await line.records('tally.dead-letter.v1');
    if (found === undefined) throw new Error('no letter');
    const replay = toReplay(found);
    expect(replay).toEqual({
      ...original,
      topic: line.prefix + TOPIC,
      headers: { ...original.headers, replays: '1', 'replay-for': 'tally' },
    });
    // Sent again it arrives as the first did.
    if (replay !== null) await producer.send([replay]);
    await line.caughtUp();
    const [first, second] = await line.records(TOPIC);
    expect(second).toMatchObject({ key: first?.key, headers: first?.headers });
    await producer.stop();
    await line.close();
  });
});

describe('a letter that is sent again', () => {
  it('[X-DL-01] is for the group that had refused it: the others of its topic have had the message', async () => {
    let isMended = false;
    const seen: string[] = [];
    const strict: typeof tally = {
      ...tally,
      group: 'strict',
      // The table is the other's.
      store: { ...tally.store, load: () => Promise.resolve(new Map()), save: () => Promise.resolve() },
      decide: {
        ...tally.decide,
        LeadEnriched: (_state, event) => {
          if (!isMended) return reject('EXA_ERR_STRICT', 'not yet');
          seen.push(event.key);
          return skip('seen');
        },
      },
    };
    const line = await createLine(batchProcessor(strict), at);
    const producer = await createProducer(line.client);
    const outcomes = new Map<string, number>();
    const running = await startOn(line, batchProcessor(tally), {
      telemetry: {
        ...silentTelemetry,
        outcome: (_group, _source, outcome, reason) => {
          const name = `${outcome}:${reason ?? ''}`;
          outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
        },
      },
    });
    try {
      await line.start();
      await line.publish(enriched('ada', 1));
      await eventually('the first group to count it', async () => (await countOf(line.database, 'ada')) === 1);
      await line.caughtUp();
      const [letter] = await line.records('strict.dead-letter.v1');
      const replay = letter === undefined ? null : toReplay(letter);
      if (replay === null) throw new Error('no letter');
      isMended = true;
      await producer.send([replay]);
      await line.caughtUp();
      expect(seen).toEqual([sampleId('ada')]);
      await eventually('the first group to pass it by', () => outcomes.get('skipped:replay_for_another') === 1);
      expect(await countOf(line.database, 'ada')).toBe(1);
    } finally {
      await running.stop();
      await producer.stop();
      await line.close();
    }
  });
});

describe('a flood for which no message is to blame', () => {
  const missingTable: Starter = batchProcessor({
    ...tally,
    store: { ...tally.store, save: async (tx) => void (await tx.query(sql.unsafe`insert into missing values (1)`)) },
  });
  it.each([
    ['a table that is missing', missingTable, {}, /PRC_ERR_UNSTORABLE/],
    ['a rule that refuses everything', batchProcessor(tally), { emailStatus: 'invalid' }, /EXA_ERR_INVALID_EMAIL/],
  ] as const)('%s stops the shell before anything is set aside', async (_name, starter, overrides, reason) => {
    const line = await createLine(starter, at);
    await line.publish(...Array.from({ length: 12 }, (_, i) => enriched(`flood-${i}`, 1, overrides)));
    const running = await startOn(line, starter);
    expect(await eventually('the shell to stop', () => running.halted())).toMatch(reason);
    expect([await rowsIn(line.database, 'outbox'), await counts(line.database)]).toEqual([0, {}]);
    await running.stop();
    await line.close();
  });
});

describe('a database that refuses every message', () => {
  const refusing: typeof tally.store.save = async (tx, rows) => {
    if (rows.length > 0) await tx.query(sql.unsafe`select 1 / 0`);
  };
  const world = createWorld();
  const appraiser = createAppraiser(world, { inFlightMax: 64, deadlineMs: 5_000 });

  it.each([
    ['batch shell', batchProcessor({ ...tally, store: { ...tally.store, save: refusing } })],
    ['effect runner', effectProcessor({ ...appraiser, store: { ...appraiser.store, save: refusing } })],
  ] as const)('stops the %s after some messages have been set aside one by one', async (_name, starter) => {
    const line = await createLine(starter, at);
    await line.publish(...Array.from({ length: 40 }, (_, i) => enriched(`refused-${i}`, 1)));
    const running = await startOn(line, starter);
    try {
      expect(await eventually('the group to stop', () => running.halted())).toMatch(/10 of 10 .* PRC_ERR_UNSTORABLE/);
      expect(await rowsIn(line.database, 'outbox')).toBe(9);
      // What comes meanwhile may be fetched; it changes nothing of why the group stands still.
      await line.publish(...Array.from({ length: 3 }, (_, i) => enriched(`later-${i}`, 1)));
      const until = Date.now() + 1_000;
      await eventually('a second to pass', () => {
        expect(running.halted()).not.toBeNull();
        return Date.now() > until;
      });
      expect(await rowsIn(line.database, 'outbox')).toBe(9);
    } finally {
      await running.stop();
      await line.close();
    }
  });

  it('is told from single messages that are at fault among many that are not', () => {
    const setAside = countSetAside();
    for (let i = 0; i < 200; i += 1) {
      expect(setAside.next('PRC_ERR_UNSTORABLE')).toBeNull();
      setAside.add();
      setAside.passed(3);
    }
  });
});

describe('a flood of bad messages', () => {
  let line: Line;
  let running: Running;
  beforeAll(async () => {
    line = await createLine(batchProcessor(tally), at);
  });
  afterAll(async () => {
    await running.stop();
    await line.close();
  });

  it('stops the shell, says why, and processes nothing until a human has looked', async () => {
    const garbage = { topic: TOPIC, key: sampleId('ada'), value: Buffer.from('garbage'), headers: {} };
    await line.publishRaw(
      ...Array.from({ length: 12 }, () => garbage),
      encodeTestEvent(line.codec, enriched('ada', 1)),
    );
    running = await startOn(line, batchProcessor(tally));
    const halted = await eventually('the shell to stop', () => running.halted());
    expect(halted).toMatch(/12 of 13 messages would be dead-lettered with KFK_ERR_NO_MAGIC_BYTE/);
    expect(await counts(line.database)).toEqual({});
  });
});

describe('a dead letter that cannot be stored either', () => {
  it.each([
    ['batch shell', batchProcessor(tally)],
    ['effect runner', effectProcessor(createAppraiser(createWorld()))],
  ])('ends the process of the %s, instead of being tried for ever without a pause', async (_name, starter) => {
    const line = await createLine(starter, at);
    let tries = 0;
    line.onFault((point) => {
      if (point !== 'processor.outbox') return;
      tries += 1;
      throw new Error('nothing can be stored, and Postgres has no state for it');
    });
    await line.publish(enriched('ada', 1));
    await line.start();
    expect(await line.crashed()).toMatchObject({ message: expect.stringContaining('nothing can be stored') });
    expect(tries).toBe(2);
    line.onFault(null);
    await line.close();
  });
});
