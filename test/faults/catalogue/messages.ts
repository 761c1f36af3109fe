/** F9, F10, F19: what comes in the topics, and a topic that takes nothing. */
import { topicOf } from '@lead-flood/contracts';
import { createProducer, readTopic } from '@lead-flood/kafka';
import { poison, sendBomb, sampleEnriched, sampleSubmitted } from '@lead-flood/testing';
import { again } from '../repeats.ts';
import type { Fault, Stage } from '../stage.ts';
import { counts, pause, remedy, shows } from '../stage.ts';

const WINDOW = 50;
const REPLAYED_MAX = 2_000;

export const repeated: Fault = {
  name: 'F9',
  sentence: 'every event comes again one to three times, out of order within 50, and a public topic is replayed',
  doubtsMax: 0,
  paidTwiceMax: 0,
  async inject(stage) {
    await pause(3_000);
    // Whoever reads a topic tells its repeats from news; the public one by what it was told before, the others by version.
    await counts(stage, 'discovery', /^leadflood_processor_messages_total\{.*reason="repeated_submission"/);
    for (const service of ['enrichment', 'scoring', 'outreach', 'call-allocation', 'analytics'] as const)
      await counts(stage, service, /^leadflood_processor_messages_total\{.*outcome="duplicate"/);
    await counts(
      stage,
      'outreach',
      /^leadflood_processor_messages_total\{.*group="outreach-send".*outcome="(duplicate|skipped)"/,
    );
    const producer = await createProducer(stage.client);
    for (const topic of [
      'ingest.lead.v1',
      'discovery.lead.v1',
      'enrichment.lead.v1',
      'scoring.lead.v1',
      'outreach.send.v1',
    ]) {
      const records = (await readTopic(stage.client, topic)).slice(-REPLAYED_MAX);
      const times = 1 + stage.random.upTo(3);
      for (let round = 0; round < times; round += 1)
        for (let start = 0; start < records.length; start += WINDOW)
          await producer.send(shuffled(stage, records.slice(start, start + WINDOW)).map(again));
    }
    await producer.stop();
  },
  heal: remedy,
};

const shuffled = <T>({ random }: Stage, items: readonly T[]): T[] =>
  items
    .map((item) => ({ item, order: random.upTo(1_000_000) }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ item }) => item);

const bad = (stage: Stage) => [
  ...poison(stage.codec, { name: 'LeadSubmitted', data: sampleSubmitted({ orgId: stage.product.seeds.orgId }) }),
  ...poison(stage.codec, { name: 'LeadEnriched', data: sampleEnriched({ orgId: stage.product.seeds.orgId }) }),
];

/** Ten records and what unpacks to too much. */
const KINDS = 11;
const REFUSED = /^leadflood_processor_messages_total\{.*outcome="rejected"/;

export const garbage: Fault = {
  name: 'F10',
  sentence:
    'eleven kinds of garbage among the records of two topics: each becomes a dead letter, the partition goes on',
  doubtsMax: 0,
  paidTwiceMax: 0,
  async inject(stage) {
    for (const service of ['discovery', 'scoring', 'analytics'] as const) await counts(stage, service, REFUSED, KINDS);
    const producer = await createProducer(stage.client);
    for (const record of shuffled(stage, bad(stage))) {
      await producer.send([record]);
      await pause(stage.random.upTo(300));
    }
    await producer.stop();
    for (const name of ['LeadSubmitted', 'LeadEnriched'] as const) await sendBomb(stage.client, topicOf[name]);
  },
  heal: remedy,
};

const LETTER_BYTES_MAX = 8 * 1_048_576;

/** With room for a byte the broker refuses every record; asking for more replicas than there are does not stop it. */
async function allow(stage: Stage, topic: string, bytes: number): Promise<void> {
  const admin = stage.client.admin();
  await admin.connect();
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: TOPIC, name: topic, configEntries: [{ name: 'max.message.bytes', value: String(bytes) }] }],
  });
  await admin.disconnect();
}

/** Kafka's number for this kind of resource. */
const TOPIC = 2;

/** Asked once, without the patience of our own producer. */
async function takesRecords({ client }: Stage, topic: string): Promise<boolean> {
  const producer = client.producer({ retry: { retries: 0 } });
  await producer.connect();
  const taken = await producer.send({ topic, acks: -1, messages: [{ value: 'is there room?' }] }).then(
    () => true,
    () => false,
  );
  await producer.disconnect();
  return taken;
}

export const fullTopic: Fault = {
  name: 'F19',
  sentence: 'a dead-letter topic takes nothing for 8 s while letters come: nothing is dropped, it drains in order',
  doubtsMax: 0,
  paidTwiceMax: 0,
  async inject(stage) {
    const topic = 'discovery.dead-letter.v1';
    shows(stage, ['discovery'], '"group":"relay".*KFK_ERR_TOO_LARGE');
    await allow(stage, topic, 1);
    stage.remedies.push(() => allow(stage, topic, LETTER_BYTES_MAX));
    if (await takesRecords(stage, topic)) stage.complain(`${topic} was not full`);
    const producer = await createProducer(stage.client);
    await producer.send(shuffled(stage, bad(stage)));
    await producer.stop();
    await pause(8_000);
  },
  heal: remedy,
};
