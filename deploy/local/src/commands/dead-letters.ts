// `npm run dead-letters -- inspect | replay`: looks at dead letters in Kafka, and sends the originals again. Dry run unless told.
import { Command } from 'commander';
import Table from 'cli-table3';
import { topics } from '@lead-flood/contracts';
import type { RawRecord } from '@lead-flood/kafka';
import { createKafkaClient, createProducer, deadLetterFacts, readTopic, toReplay } from '@lead-flood/kafka';
import { LocalError } from '../errors.ts';
import { runningProduct } from '../product-addresses.ts';

interface Filter {
  readonly group?: string;
  readonly topic?: string;
  readonly code?: string;
  readonly key?: string;
  readonly brokers?: string;
}

/** A letter that was replayed this often and came back will come back again: a human decides. */
const replaysMax = 3;

export function deadLettersCommand(): Command {
  const command = new Command('dead-letters').description('messages that could not be processed');
  const filtered = (name: string, text: string): Command =>
    command
      .command(name)
      .description(text)
      .option('--group <group>', 'consumer group that refused')
      .option('--topic <topic>', 'topic it came from')
      .option('--code <code>', 'reason')
      .option('--key <key>', 'record key')
      .option('--brokers <list>', 'host:port,...; of the running product or KAFKA_BROKERS otherwise');
  filtered('inspect', 'lists them').action(async (filter: Filter) => {
    const letters = await find(filter);
    const table = new Table({ head: ['group', 'from', 'code', 'step', 'bytes', 'key', 'at', 'detail'] });
    for (const letter of letters) {
      const facts = deadLetterFacts(letter);
      if (facts === null) continue;
      const from = `${facts.topic}/${facts.partition}@${facts.offset}`;
      table.push([
        facts.group,
        from,
        facts.code,
        facts.step,
        letter.value?.length ?? 0,
        printable(letter.key),
        new Date(facts.at).toISOString(),
        facts.detail,
      ]);
    }
    process.stdout.write(`${table.toString()}\n${letters.length} dead letters\n`);
  });
  filtered('replay', 'sends the originals to where they came from')
    .option('--yes', 'really; only says what it would do otherwise', false)
    .option('--per-second <count>', 'at most so many a second', (text) => Number.parseInt(text, 10), 100)
    .action(async (options: Filter & { yes: boolean; perSecond: number }) => {
      const letters = await find(options);
      const tired = letters.filter((letter) => (deadLetterFacts(letter)?.replays ?? 0) >= replaysMax);
      const replays = letters
        .filter((letter) => !tired.includes(letter))
        .map(toReplay)
        .filter((record) => record !== null);
      process.stdout.write(`${replays.length} to replay, ${tired.length} left alone after ${replaysMax} replays\n`);
      if (!options.yes) {
        process.stdout.write('dry run: add --yes\n');
        return;
      }
      const producer = await createProducer(await clientFor(options));
      for (let start = 0; start < replays.length; start += options.perSecond) {
        await producer.send(replays.slice(start, start + options.perSecond));
        if (start + options.perSecond < replays.length) await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
      await producer.stop();
      process.stdout.write(`${replays.length} replayed\n`);
      process.exit(0);
    });
  return command;
}

/** A foreign key may be any bytes. */
const printable = (key: Buffer | null): string =>
  key === null
    ? ''
    : key
        .toString('utf8')
        .replace(/[^\x20-\x7e]/g, '.')
        .slice(0, 40);

async function clientFor(filter: Filter): Promise<ReturnType<typeof createKafkaClient>> {
  const brokers = filter.brokers ?? process.env['KAFKA_BROKERS'] ?? (await runningProduct())?.kafka;
  if (brokers === undefined)
    throw new LocalError('LOCAL_ERR_NOT_RUNNING', 'no broker: give --brokers, KAFKA_BROKERS, or `npm start` first');
  return createKafkaClient({ brokers: brokers.split(','), clientId: 'dead-letters', log: () => undefined });
}

async function find(filter: Filter): Promise<RawRecord[]> {
  const client = await clientFor(filter);
  const names = Object.keys(topics).filter(
    (name) =>
      name.endsWith('.dead-letter.v1') && (filter.group === undefined || name === `${filter.group}.dead-letter.v1`),
  );
  const records = await Promise.all(names.map((name) => readTopic(client, name)));
  return records.flat().filter((record) => {
    const facts = deadLetterFacts(record);
    if (facts === null) return false;
    return (
      (filter.topic === undefined || facts.topic === filter.topic) &&
      (filter.code === undefined || facts.code === filter.code) &&
      (filter.key === undefined || record.key?.toString('utf8') === filter.key)
    );
  });
}
