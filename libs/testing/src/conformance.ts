/**
 * One suite that every processor must pass, on real Kafka and Postgres. Each case feeds the same inputs in a worse way
 * and expects the same end: the state tables and the distinct published events of an undisturbed run.
 *
 * To add a case: append it below, or to `conformance-faults.ts`. Cases run side by side, unless they share an outside world
 * (`before`).
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { topicOf } from '@lead-flood/contracts';
import type { OutgoingRecord } from '@lead-flood/kafka';
import { sql } from '@lead-flood/postgres';
import { crashOnceAt, databaseFaultCases, groupFaultCases } from './conformance-faults.ts';
import { interleaved, repeated, rounds } from './input-order.ts';
import type { Line, Subject, TestEvent } from './line.ts';
import { createLine, encodeTestEvent } from './line.ts';
import { poison, poisonHeader, sendBomb } from './poison.ts';
import type { RunEnd } from './run-end.ts';
import { endOf } from './run-end.ts';

/** An event, or a record as it is for processors that do not decode. */
export type Input = TestEvent | OutgoingRecord;

export type ConformanceOptions = {
  readonly starter: Subject;
  readonly schema: string;
  readonly migrations: string;
  /** Inputs of a handful of keys, several per key, in order. Ids and versions are given here and kept. */
  readonly inputs: readonly Input[];
  /** What is fed once the inputs are done: between two topics no order is promised, so here it is made. */
  readonly afterwards?: readonly Input[];
  /**
   * Every case, for the two processors that stand for all (a batch and an effect processor). The others have those that only
   * a broker shows; what repeats, orders and crashes do to them is crashPoints', on a broker in memory.
   */
  readonly whole?: true;
  /** Rows to put in before (rules, sequences). */
  readonly seed?: (line: Line) => Promise<void>;
  /** Columns that may differ from run to run beside those of time and revision, by table. */
  readonly ignore?: Readonly<Record<string, readonly string[]>>;
  /** False where a record that is written again counts as another (an archive): nothing is then fed twice. */
  readonly repeatable?: boolean;
  /** Points that this processor passes; by default those of the batch shell. */
  readonly crashPoints?: readonly string[];
  /** Points that it passes and is not crashed at here, each with the reason. */
  readonly notCrashedAt?: Readonly<Record<string, string>>;
  /** Runs after the end of each case: the outside world's own count of what was done to it. */
  readonly alsoExpect?: (line: Line) => Promise<void> | void;
  /** Runs before each case, for instance to empty the outside world's log. Given, the cases run one after the other. */
  readonly before?: () => Promise<void> | void;
};

/** What a case is given. */
export type Case = {
  readonly group: string;
  readonly line: Line;
  readonly first: readonly OutgoingRecord[];
  /** Everything, stage by stage, each time until it is done. */
  readonly feed: (change?: (records: readonly OutgoingRecord[]) => readonly OutgoingRecord[]) => Promise<void>;
  /** Everything but the first stage. */
  readonly feedRest: () => Promise<void>;
  readonly expectEnd: () => Promise<void>;
};

export const batchCrashPoints = [
  'processor.advanced',
  'processor.loaded',
  'processor.saved',
  'processor.outbox',
  'db.commit.before',
  'db.commit.after',
  'processor.told',
  'kafka.send.before',
  'kafka.send.after',
  'relay.published',
] as const;

/** What the effect runner passes; `step.<name>.*` come with the service's own steps. */
export const effectCrashPoints = [
  'processor.outbox',
  'processor.told',
  'db.commit.before',
  'db.commit.after',
  'kafka.send.before',
  'kafka.send.after',
  'relay.published',
] as const;

/** Statements beside a batch: enumerated in memory, where a case is cheap (crash-points.ts). */
export const crashPointsInMemory = [
  'position.claim.before',
  'position.claim.after',
  'relay.advance.before',
  'relay.advance.after',
  'timers.fire.before',
  'timers.fire.after',
  'journal.begin.before',
  'journal.begin.after',
  'journal.finish.before',
  'journal.finish.after',
  'journal.forget.before',
  'journal.forget.after',
] as const;

const isEvent = (input: Input): input is TestEvent => 'name' in input;

export function conformance(options: ConformanceOptions): void {
  const { starter, before } = options;
  const ignore = options.ignore ?? {};
  const points = options.crashPoints ?? batchCrashPoints;
  let expected: RunEnd;
  const passed = new Set<string>();

  /** Runs a case on a line of its own; closes it, and asks the outside world, whatever became of it. */
  async function onFreshLine(body: (given: Case) => Promise<void>): Promise<void> {
    await before?.();
    const line = await createLine(starter, options);
    await options.seed?.(line);
    const encode = (inputs: readonly Input[]): OutgoingRecord[] =>
      inputs.map((input) => (isEvent(input) ? encodeTestEvent(line.codec, input) : input));
    const [first, ...rest] = [encode(options.inputs), encode(options.afterwards ?? [])];
    const feedStages: Case['feed'] = async (change = (records) => records) => {
      for (const stage of [first ?? [], ...rest]) {
        await line.publishRaw(...change(stage));
        await line.caughtUp();
      }
    };
    try {
      await body({
        group: starter.group,
        line,
        first: first ?? [],
        feed: feedStages,
        feedRest: async () => {
          for (const stage of rest) {
            await line.publishRaw(...stage);
            await line.caughtUp();
          }
        },
        expectEnd: async () => {
          expect(await endOf(line, starter, ignore)).toEqual(expected);
        },
      });
      await options.alsoExpect?.(line);
    } finally {
      line.onFault(null);
      await line.close();
    }
  }

  describe(`conformance of ${starter.group}`, { concurrent: before === undefined }, () => {
    beforeAll(async () => {
      await onFreshLine(async ({ line, feed }) => {
        line.onFault((point) => void passed.add(point));
        await line.start();
        await feed();
        expected = await endOf(line, starter, ignore);
      });
      const own = passed.difference(new Set<string>(crashPointsInMemory)).size;
      const count = `${points.length} crash points enumerated, of ${own} that a run passes here`;
      console.info(`conformance of ${starter.group}: ${count}`);
    }, 60_000);

    it('does something with the inputs, which hold every event that it handles', () => {
      expect(Object.values(expected.tables).flat().length).toBeGreaterThan(0);
      if (starter.processor.writes.length > 0) expect(expected.published.length).toBeGreaterThan(0);
      const given = new Set(
        [...options.inputs, ...(options.afterwards ?? [])].flatMap((input) => (isEvent(input) ? [input.name] : [])),
      );
      const handled = starter.processor.reads.flatMap((topic) => [...topic.events]);
      expect(handled.filter((name) => !given.has(name))).toEqual([]);
    });

    it.each(Object.entries(chosenCases(options)))('%s', (_title, body) => onFreshLine(body));

    if (options.whole !== true) return;

    it('is crashed at every point that a run passes, or says why not', () => {
      const known = new Set<string>([...points, ...crashPointsInMemory, ...Object.keys(options.notCrashedAt ?? {})]);
      expect([...passed].filter((point) => !known.has(point))).toEqual([]);
    });

    it.each([...points])('a crash at %s is repaired by a restart', (point) =>
      onFreshLine(async ({ line, first, feedRest, expectEnd }) => {
        await line.publishRaw(...first);
        const reached = crashOnceAt(line, point);
        await line.start();
        await reached;
        await line.stop();
        line.onFault(null);
        await line.start();
        await line.caughtUp();
        await feedRest();
        await expectEnd();
      }),
    );
  });
}

type Cases = Readonly<Record<string, (given: Case) => Promise<void>>>;

const chosenCases = (options: ConformanceOptions): Cases =>
  options.whole
    ? { ...poisonCases(options), ...feedCases(options), ...databaseFaultCases, ...groupFaultCases }
    : { ...poisonCases(options), ...groupFaultCases };

function poisonCases(options: ConformanceOptions): Cases {
  const { group, processor } = options.starter;
  const [event] = options.inputs.filter(isEvent);
  if (!processor.reads.some((topic) => topic.events.length > 0)) return {};
  return {
    'poison of eleven kinds between the inputs becomes dead letters and nothing else changes': async (given) => {
      const { line, feed, expectEnd } = given;
      if (event === undefined) throw new Error('poison is made out of a good event');
      const bad = poison(line.codec, event);
      const half = bad.length >> 1;
      await line.start();
      await line.publishRaw(...bad.slice(0, half));
      await feed();
      await sendBomb(line.client, line.prefix + topicOf[event.name]);
      await line.publishRaw(...bad.slice(half));
      await line.caughtUp();
      await expectEnd();
      const letters = new Map(
        (await line.records(`${group}.dead-letter.v1`)).map((letter) => [
          letter.headers[poisonHeader]?.toString(),
          letter.value,
        ]),
      );
      // A batch that cannot be unpacked has no headers.
      expect(letters.delete(undefined)).toBe(true);
      expect(letters).toEqual(new Map(bad.map((record) => [record.headers[poisonHeader], record.value])));
    },
  };
}

function feedCases(options: ConformanceOptions): Cases {
  const feeding: Cases = {
    'every input one to three times gives the same end': async ({ line, feed, expectEnd }) => {
      await line.start();
      await feed(repeated);
      await expectEnd();
    },
    'the whole stream twice gives the same end': async ({ line, feed, expectEnd }) => {
      await line.start();
      await feed();
      await feed();
      await expectEnd();
    },
  };
  return {
    ...(options.repeatable === false ? {} : feeding),
    'a replay from offset zero gives the same end': async ({ line, feed, expectEnd }) => {
      await line.start();
      await feed();
      await line.stop();
      await line.database.query(sql.unsafe`update positions set next_offset = 0, finished = '{}'`);
      await line.start();
      await line.caughtUp();
      await expectEnd();
    },
    'keys interleaved another way give the same end': async ({ line, feed, expectEnd }) => {
      await line.start();
      await feed(interleaved);
      await expectEnd();
    },
    'a key whose inputs come in a batch each gives the same end': async ({ line, first, feedRest, expectEnd }) => {
      await line.start();
      for (const round of rounds(first)) {
        await line.publishRaw(...round);
        await line.caughtUp();
      }
      await feedRest();
      await expectEnd();
    },
  };
}
