// `npm run dead-letters -- inspect | replay | purge | skip | acts`: what could not be processed, in the archive that analytics
// keeps. Whatever changes something is a dry run unless told, and leaves a row that says who did what.
import { Command, InvalidArgumentError } from 'commander';
import { createTable } from '../table.ts';
import type { Letter, LetterFilter, LetterPlace } from '@lead-flood/analytics/dead-letters';
import { countLetters, countWaiting, letterPages, listActs, purgeLetters } from '@lead-flood/analytics/dead-letters';
import type { Place, PlaceOptions } from '../dead-letters/place.ts';
import { openPlace } from '../dead-letters/place.ts';
import { replayLetters, replaysMax } from '../dead-letters/replay.ts';
import type { Door } from '../dead-letters/drain.ts';
import { drain, listDrains, parkedKeys } from '../dead-letters/drain.ts';
import { skip } from '../dead-letters/skip.ts';

interface Yes {
  readonly yes: boolean;
}
interface Archived {
  readonly archived: boolean;
}
interface ReplayAsked {
  readonly perSecond: number;
  readonly force: boolean;
  readonly wait: number;
}

const placeOf = ({ archived }: Archived): LetterPlace => (archived ? 'dead_letter_archive' : 'dead_letters');

/** The newest are shown. */
const ACTS_MAX = 50;

const whole = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('a whole number, please');
  return value;
};
const positive = (text: string): number => {
  if (whole(text) === 0) throw new InvalidArgumentError('more than none, please');
  return whole(text);
};
const time = (text: string): string => {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new InvalidArgumentError('a time like 2026-03-01T12:00:00Z, please');
  return new Date(at).toISOString();
};

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const dryRun = (): void => {
  say('dry run: add --yes');
};

export function deadLettersCommand(): Command {
  const command = new Command('dead-letters').description('messages that could not be processed');
  for (const add of [addInspect, addReplay, addPurge, addSkip, addParked, addDrain, addActs]) add(command);
  return command;
}

const placed = (command: Command, name: string, text: string): Command =>
  command
    .command(name)
    .description(text)
    .option('--brokers <list>', 'host:port,...; KAFKA_BROKERS or the running product otherwise')
    .option('--database <url>', 'Postgres; DATABASE_URL or the running product otherwise');
const confirmed = (sub: Command): Command => sub.option('--yes', 'really; only says what it would do otherwise', false);
const acting = (sub: Command): Command =>
  confirmed(sub).option('--by <name>', 'who acts, for the audit; the user of this machine otherwise');
const hotOrNot = (sub: Command): Command =>
  sub.option('--archived', 'those that have left the list for the archive instead', false);
const filtered = (command: Command, name: string, text: string): Command =>
  placed(command, name, text)
    .option('--group <group>', 'consumer group that refused')
    .option('--topic <topic>', 'topic it came from')
    .option('--code <code>', 'reason')
    .option('--key <key>', 'record key')
    .option('--org <id>', 'organisation')
    .option('--since <time>', 'refused at or after', time)
    .option('--until <time>', 'refused before', time);

function addInspect(command: Command): void {
  hotOrNot(filtered(command, 'inspect', 'lists them, oldest first'))
    .option('--all', 'also those that were sent again', false)
    .action((options: LetterFilter & PlaceOptions & Archived & { all: boolean }) =>
      at(options, async ({ database }) => {
        let found = 0;
        for await (const page of letterPages(database, placeOf(options), filterOf(options), options.all)) {
          found += page.length;
          say(letterTable(page));
        }
        say(`\n${found} dead letters`);
      }),
    );
}

function addReplay(command: Command): void {
  acting(hotOrNot(filtered(command, 'replay', 'sends the originals to where they came from')))
    .option('--per-second <count>', 'at most so many a second', positive, 100)
    .option('--force', `also those that came back ${replaysMax} times`, false)
    .option('--wait <seconds>', 'at most so long for what becomes of them', whole, 30)
    .action((options: LetterFilter & PlaceOptions & Yes & Archived & ReplayAsked) =>
      at(options, async (place) => {
        const filter = filterOf(options);
        const from = placeOf(options);
        const { matched, guarded, replayed, outcome } = await replayLetters(place, filter, {
          ...options,
          from,
          waitSeconds: options.wait,
        });
        say(`before: ${matched} letters, ${guarded} of them left alone after ${replaysMax} replays`);
        if (!options.yes) {
          dryRun();
          return;
        }
        const after = await countWaiting(place.database, from, filter);
        if (outcome === null && replayed > 0)
          say(`after:  ${after} letters; ${replayed} replayed, not all decided within ${options.wait} s`);
        else
          say(
            `after:  ${after} letters; ${replayed} replayed, ${outcome?.cameBack ?? 0} came back, ${outcome?.gone ?? 0} are gone`,
          );
      }),
    );
}

function addPurge(command: Command): void {
  acting(filtered(command, 'purge', 'deletes them, archived ones too; in Kafka they stay for their retention')).action(
    (options: LetterFilter & PlaceOptions & Yes) =>
      at(options, async ({ database, who }) => {
        const filter = filterOf(options);
        if (options.yes) say(`${await purgeLetters(database, filter, who)} purged`);
        else {
          say(`${await countLetters(database, filter)} to purge`);
          dryRun();
        }
      }),
  );
}

function addSkip(command: Command): void {
  acting(placed(command, 'skip', 'moves a group on past messages that it cannot get past'))
    .requiredOption('--group <group>', 'consumer group')
    .requiredOption('--topic <topic>', 'topic')
    .requiredOption('--partition <number>', 'partition', whole)
    .requiredOption('--to <offset>', 'the next offset that it shall read', whole)
    .action((options: PlaceOptions & Yes & { group: string; topic: string; partition: number; to: number }) =>
      at(options, async (place) => {
        const { group, topic, partition, to } = options;
        const { from, end } = await skip(place, { group, topic, partition, to }, options.yes);
        say(
          `${group} on ${topic}/${partition}: from ${from} to ${to} of ${end}, ${to - from} messages are not processed`,
        );
        if (!options.yes) dryRun();
        else say('skipped; a halted group notices within 30 s');
      }),
    );
}

function addParked(command: Command): void {
  placed(command, 'parked', 'keys whose messages wait behind a rejected one').action((options: PlaceOptions) =>
    at(options, async ({ database }) => {
      const table = createTable({ head: ['group', 'key', 'messages', 'code', 'since'] });
      for (const one of await parkedKeys(database))
        table.push([one.group, one.key, one.messages, one.code ?? '-', new Date(one.since).toISOString()]);
      say(table.toString());
    }),
  );
}

function addDrain(command: Command): void {
  confirmed(placed(command, 'drain', 'decides the parked messages of a key in order, through the gateway'))
    .requiredOption('--group <group>', 'consumer group')
    .requiredOption('--key <key>', 'key, as `parked` shows it')
    .option('--drop-first', 'without the message that was rejected', false)
    .option('--gateway <url>', 'of the running product otherwise')
    .option('--token <token>', 'of an administrator; signs in to the running product otherwise')
    .action((options: PlaceOptions & Yes & Door & { group: string; key: string; dropFirst: boolean }) =>
      at(options, async (place) => {
        const { group, key, dropFirst } = options;
        const found = (await parkedKeys(place.database)).find((one) => one.group === group && one.key === key);
        say(`${found?.messages ?? 0} messages of ${group} wait`);
        if (found === undefined) return;
        if (!options.yes) {
          dryRun();
          return;
        }
        const told = await drain(options, { group, key, dropFirst });
        const end = told.stoppedBy === null ? 'the key is free' : `stopped: ${told.stoppedBy}`;
        say(`${told.drained} decided, ${told.dropped} given up, ${end}`);
      }),
    );
}

function addActs(command: Command): void {
  placed(command, 'acts', 'who did what, newest first').action((options: PlaceOptions) =>
    at(options, async ({ database }) => {
      const [{ items }, drains] = await Promise.all([
        listActs(database, 'everybody', { limit: ACTS_MAX }),
        listDrains(database, ACTS_MAX),
      ]);
      const table = createTable({
        head: ['at', 'who', 'act', 'filter', 'matched', 'acted', 'guarded', 'came back', 'gone'],
      });
      const acts = items.map((one) => [
        one.at,
        one.who,
        one.act,
        JSON.stringify(one.filter),
        one.matched,
        one.acted,
        one.guarded,
        one.cameBack ?? '-',
        one.gone ?? '-',
      ]);
      const drained = drains.map(({ at: when, who, drained: decided, dropped, ...asked }) => [
        new Date(when).toISOString(),
        who,
        'drain',
        JSON.stringify({ ...asked, dropped }),
        '-',
        decided + dropped,
        '-',
        '-',
        '-',
      ]);
      table.push(
        ...[...acts, ...drained].toSorted(([a], [b]) => String(b).localeCompare(String(a))).slice(0, ACTS_MAX),
      );
      say(table.toString());
    }),
  );
}

async function at(options: PlaceOptions, work: (place: Place) => Promise<void>): Promise<void> {
  const place = await openPlace(options);
  try {
    await work(place);
  } finally {
    await place.database.end();
  }
}

const filterOf = ({ group, topic, code, key, org, since, until }: LetterFilter): LetterFilter =>
  Object.fromEntries(
    Object.entries({ group, topic, code, key, org, since, until }).filter(([, value]) => value !== undefined),
  );

function letterTable(letters: readonly Letter[]): string {
  const table = createTable({
    head: ['group', 'from', 'code', 'step', 'bytes', 'key', 'replays', 'at', 'detail'],
  });
  for (const letter of letters)
    table.push([
      letter.group,
      `${letter.topic}/${letter.partition}@${letter.offset}`,
      letter.code,
      letter.step,
      letter.bytes,
      printable(letter.key),
      `${letter.replays}${letter.replayed ? ' (sent again)' : ''}`,
      new Date(letter.at).toISOString(),
      letter.detail,
    ]);
  return table.toString();
}

/** A foreign key may be any text. */
const printable = (key: string | null): string => (key ?? '').replace(/[^\x20-\x7e]/g, '.').slice(0, 40);
