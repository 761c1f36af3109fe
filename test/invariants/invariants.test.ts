/**
 * The judge is judged: on a line that is right it finds nothing, and each invariant, broken on purpose by a row or a record
 * that this test puts there, is found and named. The services stand still by then, so nothing mends what was planted.
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { EventName, Events } from '@lead-flood/contracts';
import type { Producer } from '@lead-flood/kafka';
import { createProducer } from '@lead-flood/kafka';
import { platformOrg, randomId } from '@lead-flood/kernel';
import { repositoryRoot, serviceNames, startProduct, startStack } from '@lead-flood/local';
import type { Product, Stack } from '@lead-flood/local';
import type { Database } from '@lead-flood/postgres';
import { createDatabase, sql } from '@lead-flood/postgres';
import { sampleDiscovered, sampleScored, sampleSubmitted } from '@lead-flood/testing';
import { person, SOURCE } from '../faults/people.ts';
import { doubtful } from './contacted-once.ts';
import { eventRecord, firstTouch } from './event-record.ts';
import { groups } from './groups.ts';
import type { Violation } from './invariant.ts';
import { invariants, isGood, judge, linesOf, violationsOf } from './judge.ts';
import { measure } from './processes.ts';
import type { Measurement, Sources, World } from './world.ts';
import { openWorld } from './world.ts';

const LEADS = 60;
const HEARTBEAT = 'system.heartbeat';

let directory: string;
let stack: Stack;
let product: Product;
let world: World;
let producer: Producer;
let baseline: Measurement;
const databases = new Map<string, Database>();
const lead = randomId();

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lead-flood-invariants-'));
  for (const name of ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'DATABASE_URL', 'REDIS_URL'])
    Reflect.deleteProperty(process.env, name);
  stack = await startStack({ directory });
  product = await startProduct({ stack });
  world = await openWorld(sources());
  producer = await createProducer(world.client);
}, 120_000);

afterAll(async () => {
  await producer.stop();
  await world.end();
  await Promise.all([...databases.values()].map((database) => database.end()));
  await product.stop();
  await stack.stop();
  rmSync(directory, { recursive: true, force: true });
});

const sources = (): Sources => {
  const { kafka, postgres, registry } = stack.addresses;
  return { kafka, postgres, registry, sandbox: product.sandbox, logs: directory, operations: product.operations };
};

async function database(schema: string): Promise<Database> {
  const known = databases.get(schema);
  if (known !== undefined) return known;
  const { postgres } = stack.addresses;
  const fresh = await createDatabase({ url: postgres, schema, applicationName: 'plant', connectionsMax: 1 });
  databases.set(schema, fresh);
  return fresh;
}

const publish = <N extends EventName>(name: N, key: string, data: Events[N], version?: number): Promise<void> =>
  producer.send([eventRecord(world.codec, name, key, data, version)]);

/** What the one invariant finds now, with what is given beside the stack. */
async function found(name: string, beside: Partial<Sources> = {}): Promise<readonly Violation[]> {
  world.refresh();
  const invariant = invariants.find((one) => one.name === name);
  if (invariant === undefined) throw new Error(`no invariant ${name}`);
  return (await invariant.check({ ...world, ...beside })).violations;
}

const naming = (id: string | RegExp): object =>
  expect.objectContaining({ id: typeof id === 'string' ? id : expect.stringMatching(id) }) as object;

describe('a line that is right', () => {
  it('has no violation, and says what could not be checked', async () => {
    const people = Array.from({ length: LEADS }, (_, i) => person(i, product.seeds.orgId));
    await producer.send(
      people.map((data) => ({
        topic: 'ingest.lead.v1',
        key: data.externalId,
        headers: {},
        value: world.codec.encode('LeadSubmitted', data),
      })),
    );
    const verdicts = await judge(world, { settleMs: 60_000 });
    expect(verdicts.flatMap(violationsOf)).toEqual([]);
    expect(isGood(verdicts)).toBe(true);
    const unchecked = verdicts.flatMap(({ invariant, result }) => ('notChecked' in result ? [invariant.name] : []));
    expect(unchecked).toEqual(['I12']);
    expect(linesOf(verdicts).join('\n')).toMatch(/I12 .*\n    not checked: no list of injected faults/);
    const looked = verdicts.flatMap(({ result }) => ('notChecked' in result ? [] : [result.looked]));
    expect(Math.min(...looked.filter((_, i) => verdicts[i]?.invariant.name !== 'I5'))).toBeGreaterThan(0);
  });

  it('cannot be written to by the judge', async () => {
    await expect(world.database('scoring').query(sql.unsafe`delete from lead_scores`)).rejects.toMatchObject({
      message: expect.stringContaining('read-only') as string,
    });
  });

  it('has not grown', async () => {
    baseline = await measure(product.operations);
    expect(await found('I11', { baseline })).toEqual([]);
  });
});

const declared = z.object({ processors: z.array(z.object({ group: z.string(), topics: z.array(z.string()) })) });

describe('what is judged is what there is', () => {
  it('of consumer groups and what each reads: those that the services say they run', async () => {
    const running = await Promise.all(
      Object.values(product.operations).map(async (url) =>
        declared
          .parse(await (await fetch(`${url}/status`)).json())
          .processors.map(({ group, topics: read }) => [group, read.toSorted()]),
      ),
    );
    const known = groups.map(({ name, reads }) => [name, reads.toSorted()]);
    expect(Object.fromEntries(known)).toEqual(Object.fromEntries(running.flat()));
  });
});

describe('a planted violation is found and named', () => {
  beforeAll(async () => {
    // The sandbox stays: its book is what is looked at.
    await Promise.all(serviceNames.map((name) => product.processes.get(name)?.stop()));
  });

  it('I1: a lead that ended nowhere', async () => {
    await publish('LeadDiscovered', lead, sampleDiscovered({ orgId: product.seeds.orgId, leadId: lead }));
    expect(await found('I1')).toContainEqual(naming(lead));
  });

  it('I1: a lead that ended twice', async () => {
    const notContacted = { orgId: product.seeds.orgId, leadId: lead, reason: 'band_low', decidedAt: 1 };
    await publish('LeadNotContacted', lead, notContacted);
    expect(await found('I1')).toEqual([]);
    await publish('LeadNotContacted', lead, notContacted);
    expect(await found('I1')).toContainEqual(naming(lead));
  });

  it('I1: a submission without an outcome, and bytes that no dead letter names', async () => {
    const submission = sampleSubmitted({ orgId: product.seeds.orgId, source: 'planted', externalId: 'lost' });
    await publish('LeadSubmitted', 'planted', submission);
    await producer.send([{ topic: 'ingest.lead.v1', key: 'garbage', value: Buffer.from('garbage'), headers: {} }]);
    const violations = await found('I1');
    expect(violations).toContainEqual(naming('planted/lost'));
    expect(violations).toContainEqual(naming(/^ingest\.lead\.v1\/\d+@\d+$/));
  });

  it('I1: bytes in another topic that only one of its readers has named', async () => {
    const topic = 'enrichment.lead.v1';
    await producer.send([{ topic, key: 'garbage', value: Buffer.from('garbage'), headers: {} }]);
    world.refresh();
    const ours = (await world.records(topic)).findLast(({ key }) => key?.toString() === 'garbage');
    const of = (violations: readonly Violation[]) => violations.filter(({ id }) => id.startsWith(topic));
    const silent = of(await found('I1')).map(({ what }) => what);
    expect(silent).toEqual([expect.stringContaining('of scoring '), expect.stringContaining('of analytics ')]);
    const at = { 'dead-letter-topic': topic, 'dead-letter-partition': String(ours?.partition) };
    const headers = { ...at, 'dead-letter-offset': String(ours?.offset), 'dead-letter-group': 'scoring' };
    await producer.send([{ topic: 'scoring.dead-letter.v1', key: 'garbage', value: Buffer.from('garbage'), headers }]);
    expect(of(await found('I1')).map(({ what }) => what)).toEqual([expect.stringContaining('of analytics ')]);
  });

  it('I1: what a door acknowledged and nobody has', async () => {
    const acked = { leads: [randomId()], files: { [randomId()]: 7 }, published: [], known: [] };
    const violations = await found('I1', { acked });
    expect(violations).toContainEqual(naming(acked.leads[0] ?? ''));
    expect(violations).toContainEqual(naming(Object.keys(acked.files)[0] ?? ''));
  });

  it('I1: what the broker stored and the topic does not have, or discovery has no lead of', async () => {
    // Everybody of the wave is there; one that never came, and one (planted above) that discovery has not answered.
    const there = Array.from({ length: LEADS }, (_, i) => `${SOURCE}/fault-${i}`);
    const acked = { leads: [], files: {}, published: [...there, 'planted/lost', 'fault-test/gone'], known: [] };
    const violations = await found('I1', { acked });
    expect(violations.filter(({ id }) => there.includes(id))).toEqual([]);
    expect(violations).toContainEqual({
      id: 'fault-test/gone',
      what: 'was stored by the broker and is not in the topic',
    });
    expect(violations).toContainEqual({
      id: 'planted/lost',
      what: 'was acknowledged and discovery has no lead of it',
    });
  });

  it('I1: a lead that a door called known, and that nobody has', async () => {
    const known = [
      { id: 'there', keys: ['phone:+990000', `email:${person(0, '').person.email}`] },
      { id: 'gone', keys: ['email:nobody@planted.example'] },
    ];
    const violations = await found('I1', { acked: { leads: [], files: {}, published: [], known } });
    expect(violations.filter(({ what }) => what.startsWith('was called known'))).toEqual([naming('gone')]);
  });

  it('I2: a message that a provider accepted twice', async () => {
    for (let i = 0; i < 2; i += 1) {
      const answer = await fetch(`${product.sandbox}/trengo/api/v2/wa_sessions`, {
        method: 'POST',
        headers: { authorization: 'Bearer demo', 'content-type': 'application/json', 'idempotency-key': 'planted' },
        body: JSON.stringify({ recipient_phone_number: '+447700900123', message: 'hello' }),
      });
      expect(answer.status).toBe(200);
    }
    expect(await found('I2')).toContainEqual(naming(/^trengo .*planted$/));
  });

  it('I2: two messages for one step', async () => {
    const send = firstTouch(product.seeds.orgId, lead);
    await publish('SendMessage', lead, send);
    await publish('SendMessage', lead, { ...send, messageId: randomId() });
    expect(await found('I2')).toContainEqual(naming(`${lead} step 1 email`));
  });

  it('I2: more in doubt than the faults explain', async () => {
    const messageId = randomId();
    const outreach = await database('outreach');
    await outreach.query(sql.unsafe`
      insert into delivery_attempts (message_id, lead_id, org_id, channel, outcome)
      values (${messageId}, ${lead}, ${product.seeds.orgId}, 'email', 'UNKNOWN')
    `);
    expect(await found('I2', { doubtsMax: 1 })).not.toContainEqual(naming(messageId));
    expect(await found('I2', { doubtsMax: 0 })).toContainEqual(naming(messageId));
  });

  it('I2: what was paid twice or left in doubt before counts once, not for every later trial', async () => {
    const ask = () =>
      fetch(`${product.sandbox}/pdl/v5/person/enrich?email=${person(0, '').person.email}`, {
        headers: { 'x-api-key': 'planted' },
      });
    for (let i = 0; i < 2; i += 1) expect((await ask()).status).toBeLessThan(500);
    const lookup = naming(/^pdl /);
    expect(await found('I2', { paidTwiceMax: 0 })).toContainEqual(lookup);
    const before = await doubtful(world);
    const bounds = { before, paidTwiceMax: 0, doubtsMax: 0 };
    expect(before.doubts.size).toBeGreaterThan(0);
    const old = (await found('I2', bounds)).map(({ what }) => what);
    expect(old.filter((what) => /was paid|in doubt/.test(what))).toEqual([]);
    await ask();
    const fresh = await found('I2', bounds);
    expect(fresh.filter(({ what }) => what === 'was paid 1 more times')).toEqual([lookup]);
  });

  it('I3: an order that is not that of the versions, and a gap', async () => {
    const [first, second] = [randomId(), randomId()];
    for (const version of [2, 1]) await publish('LeadScored', first, sampleScored({ leadId: first }), version);
    for (const version of [1, 3]) await publish('LeadScored', second, sampleScored({ leadId: second }), version);
    const violations = await found('I3');
    expect(violations).toContainEqual({ id: `scoring.lead.v1 ${first}`, what: 'out of order: 2, 1' });
    expect(violations).toContainEqual({ id: `scoring.lead.v1 ${second}`, what: 'without version 2' });
  });

  it('I3: an event that its row has counted and the topic does not have', async () => {
    const scoring = await database('scoring');
    const key = await scoring.oneFirst(sql.unsafe`
      update lead_scores set published = published + 1 where key = (select min(key::text)::uuid from lead_scores) returning key
    `);
    expect(await found('I3')).toContainEqual({ id: `scoring.lead.v1 ${String(key)}`, what: 'without version 2' });
  });

  it('I4: a balance that is not the sum of its entries', async () => {
    const enrichment = await database('enrichment');
    await enrichment.query(
      sql.unsafe`update provider_statistics set cost_micros = cost_micros + 1 where provider = 'apollo'`,
    );
    expect(await found('I4')).toEqual([naming('apollo')]);
  });

  it('I5: a caller with two tasks at once', async () => {
    const callerId = randomId();
    const { orgId } = product.seeds;
    const [one, two] = [randomId(), randomId()];
    await publish('CallTaskAssigned', one, { orgId, leadId: lead, taskId: one, callerId, assignedAt: 100 });
    await publish('CallTaskAssigned', two, { orgId, leadId: lead, taskId: two, callerId, assignedAt: 200 });
    expect(await found('I5')).toContainEqual(naming(callerId));
  });

  it('I6: a document that the topics do not give', async () => {
    const analytics = await database('analytics');
    const key = await analytics.oneFirst(sql.unsafe`
      update lead_models set state = jsonb_set(state::jsonb, '{source}', '"elsewhere"')::text
      where key = (select min(key::text)::uuid from lead_models) returning key
    `);
    expect(await found('I6')).toContainEqual({
      id: String(key),
      what: 'differs from the fold of the topics in source',
    });
  });

  it('I7: a decision that was written twice', async () => {
    const scoring = await database('scoring');
    const id = await scoring.oneFirst(sql.unsafe`
      insert into outbox (topic, key, headers, value) select topic, key, headers, value from outbox order by seq limit 1
      returning headers::jsonb ->> 'message-id'
    `);
    expect(await found('I7')).toContainEqual(naming(String(id)));
  });

  it('I7: a revision that does not follow, and a place behind what is done', async () => {
    const scoring = await database('scoring');
    const key = await scoring.oneFirst(sql.unsafe`
      update lead_scores set revision = revision + 1 where key = (select max(key::text)::uuid from lead_scores) returning key
    `);
    await scoring.query(sql.unsafe`update positions set finished = array[next_offset] where partition = 0`);
    const violations = await found('I7');
    expect(violations).toContainEqual(naming(String(key)));
    expect(violations).toContainEqual(naming('scoring enrichment.lead.v1/0'));
  });

  it('I8: an offset that was told to Kafka before its records were done', async () => {
    const discovery = await database('discovery');
    await discovery.query(sql.unsafe`update positions set next_offset = next_offset - 1 where partition = 1`);
    expect(await found('I8')).toContainEqual(naming('discovery ingest.lead.v1/1'));
  });

  it('I8: a record that was passed and left no trace', async () => {
    const scoring = await database('scoring');
    const key = await scoring.oneFirst(sql.unsafe`
      delete from lead_scores where key = (select min(key::text)::uuid from lead_scores) returning key
    `);
    expect(await found('I8')).toContainEqual(naming(String(key)));
  });

  it('I9: what waits in outbox and topics, and then work under way is not taken for work lost', async () => {
    const violations = await found('I9');
    expect(violations).toContainEqual({ id: 'scoring', what: '1 rows of the outbox are not published' });
    expect(violations).toContainEqual(naming(/^discovery ingest\.lead\.v1\/\d$/));
    const gateway = await database('ingest_gateway');
    await gateway.query(sql.unsafe`
      insert into admissions (org_id, leads, turn, topic, keys, headers, all_values, starts, lengths)
      values (gen_random_uuid(), 7, 0, 'ingest.lead.v1', '{}', '{}', '', '{}', '{}')
    `);
    expect(await found('I9')).toContainEqual(naming('ingest_gateway'));
    const verdicts = await judge(world, { settleMs: 0, only: ['I1', 'I9'] });
    expect(verdicts[0]?.result).toEqual({ notChecked: 'the line is not at rest (see I9)' });
    expect(isGood(verdicts)).toBe(false);
  });

  it('I11: an error that nobody caught, and growth', async () => {
    appendFileSync(join(directory, 'scoring.log'), '{"level":60,"message":"unhandled rejection"}\n');
    expect(await found('I11')).toContainEqual(naming(/^scoring\.log:\d+$/));
    const [name = ''] = Object.keys(baseline);
    expect(await found('I11', { baseline: { [name]: { heapBytes: 0, handles: 0 } }, operations: {} })).toContainEqual({
      id: name,
      what: 'was measured and is no more',
    });
  });

  it('I12: a fault that no log shows', async () => {
    const fault = { name: 'F1 scoring', from: 0, until: Date.now(), service: 'scoring' };
    expect(await found('I12', { faults: [{ ...fault, shows: '"message":"stopping"' }] })).toEqual([]);
    expect(await found('I12', { faults: [{ ...fault, shows: 'never said' }] })).toEqual([naming('F1 scoring')]);
  });

  it('I13: a period that ticked twice, and one that was passed over', async () => {
    const seen = (await world.events('platform.tick.v1')).flatMap((e) =>
      e.name === 'Ticked' && e.data.tick === HEARTBEAT ? [e.data.period] : [],
    );
    const first = Math.min(...seen);
    const tick = (period: number): Promise<void> =>
      publish('Ticked', HEARTBEAT, { orgId: platformOrg, tick: HEARTBEAT, period, dueAt: period * 60_000 }, period);
    await tick(first);
    expect(await found('I13')).toEqual([naming(`${HEARTBEAT}:${first}`)]);
    await tick(first - 2);
    const violations = await found('I13', { tickingSince: (first - 2) * 60_000 });
    expect(violations).toContainEqual({ id: `${HEARTBEAT}:${first - 1}`, what: 'was passed over' });
    expect(violations).not.toContainEqual(naming(`${HEARTBEAT}:${first - 2}`));
    expect(violations).toContainEqual({ id: `system.maintenance:${first - 2}`, what: 'was passed over' });
  });

  it('and the command ends with 1 and prints them', () => {
    const { kafka, postgres, registry } = stack.addresses;
    const where = ['--kafka', kafka, '--postgres', postgres, '--registry', registry, '--settle', '0'];
    const run = spawnSync('node', ['test/invariants/main.ts', ...where, '--only', 'I7,I9'], {
      cwd: repositoryRoot,
      encoding: 'utf8',
    });
    expect(run.stderr).toBe('');
    expect(run.stdout).toMatch(/I7 .*\n +\d+ violations, \d+ looked at\n( +! .*was decided 2 times.*\n)/);
    expect(run.status).toBe(1);
  });
});
