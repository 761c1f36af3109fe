/**
 * One suite that every processor must pass, on real Kafka and Postgres. Each case feeds the same inputs in a worse way
 * and expects the same end: the state tables and the distinct published events of an undisturbed run.
 *
 * To add a case: append it to `cases`; it runs for every processor of every service.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SerializableValue } from './dump.ts';
import { InvariantError, randomId, setFaultHook } from '@lead-flood/kernel';
import type { Starter } from '@lead-flood/processor';
import { dumpTables } from './dump.ts';
import type { Line, TestEvent } from './line.ts';
import { createLine, encodeTestEvent } from './line.ts';

export type ConformanceOptions = {
  readonly starter: Starter;
  readonly schema: string;
  readonly migrations: string;
  /** Inputs of a handful of keys, several per key, in order. Ids and versions are given here and kept. */
  readonly inputs: readonly TestEvent[];
  /** Rows to put in before (rules, sequences). */
  readonly seed?: (line: Line) => Promise<void>;
  /** Columns that may differ from run to run beside those of time and revision, by table. */
  readonly ignore?: Readonly<Record<string, readonly string[]>>;
  /** Points that this processor passes; by default those of the batch shell. */
  readonly crashPoints?: readonly string[];
  /** Runs after the end of each case: the outside world's own count of what was done to it. */
  readonly alsoExpect?: (line: Line) => Promise<void> | void;
  /** Runs before each case, for instance to empty the outside world's log. */
  readonly before?: () => Promise<void> | void;
};

type End = {
  readonly tables: Readonly<Record<string, readonly SerializableValue[]>>;
  readonly published: readonly unknown[];
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

/** What the effect runner passes on top; `step.<name>.*` come with the service's own steps. */
export const effectCrashPoints = [
  'processor.outbox',
  'db.commit.before',
  'db.commit.after',
  'kafka.send.before',
  'kafka.send.after',
  'relay.published',
] as const;

/** The process dies here: nothing after the point happens, whatever was committed before stays. */
class SimulatedCrash extends InvariantError {}

export function conformance(options: ConformanceOptions): void {
  const { starter } = options;
  describe(`conformance of ${starter.group}`, () => {
    let expected: End;
    let line: Line;

    const fresh = async (): Promise<Line> => {
      await options.before?.();
      line = await createLine(starter, options);
      await options.seed?.(line);
      return line;
    };

    beforeAll(async () => {
      await fresh();
      await line.start();
      await line.publish(...options.inputs);
      await line.caughtUp();
      expected = await endOf(line, options);
      await line.close();
    }, 60_000);

    afterEach(async () => {
      setFaultHook(null);
      await options.alsoExpect?.(line);
      await line.close();
    });
    afterAll(() => {
      setFaultHook(null);
    });

    it('does something with the inputs', () => {
      expect(Object.values(expected.tables).flat().length).toBeGreaterThan(0);
      if (starter.processor.writes.length > 0) expect(expected.published.length).toBeGreaterThan(0);
    });

    it('every input three times gives the same end', async () => {
      await fresh();
      await line.start();
      await line.publish(...options.inputs.flatMap((input) => [input, input, input]));
      await line.caughtUp();
      expect(await endOf(line, options)).toEqual(expected);
    });

    it('the whole stream twice gives the same end', async () => {
      await fresh();
      await line.start();
      await line.publish(...options.inputs);
      await line.caughtUp();
      await line.publish(...options.inputs);
      await line.caughtUp();
      expect(await endOf(line, options)).toEqual(expected);
    });

    it('a replay from offset zero gives the same end', async () => {
      await fresh();
      await line.start();
      await line.publish(...options.inputs);
      await line.caughtUp();
      await line.stop();
      const { sql } = await import('@lead-flood/postgres');
      await line.database.query(sql.unsafe`update positions set next_offset = 0, finished = '{}'`);
      await line.start();
      await line.caughtUp();
      expect(await endOf(line, options)).toEqual(expected);
    });

    it('keys interleaved another way give the same end', async () => {
      await fresh();
      await line.start();
      await line.publish(...interleaved(options.inputs));
      await line.caughtUp();
      expect(await endOf(line, options)).toEqual(expected);
    });

    it('one by one instead of in batches gives the same end', async () => {
      await fresh();
      await line.start();
      for (const input of options.inputs) await line.publish(input);
      await line.caughtUp();
      expect(await endOf(line, options)).toEqual(expected);
    });

    it('poison between the inputs becomes dead letters and nothing else changes', async () => {
      await fresh();
      await line.start();
      const poison = poisonRecords(line, options.inputs);
      await line.publishRaw(...poison.slice(0, 3));
      await line.publish(...options.inputs);
      await line.publishRaw(...poison.slice(3));
      await line.caughtUp();
      expect(await endOf(line, options)).toEqual(expected);
      const letters = await line.records(`${starter.group}.dead-letter.v1`);
      expect(letters).toHaveLength(poison.length);
      expect(letters.map((letter) => letter.value).filter((value) => value !== null)).toEqual(
        expect.arrayContaining(poison.map((record) => record.value).filter((value) => value !== null)),
      );
    });

    it('a database error that passes is retried and leaves no trace', async () => {
      await fresh();
      let failures = 3;
      setFaultHook((point) => {
        if (point !== 'processor.outbox' || failures === 0) return;
        failures -= 1;
        throw Object.assign(new Error('could not serialize access'), { code: '40001' });
      });
      await line.start();
      await line.publish(...options.inputs);
      await line.caughtUp();
      expect(failures).toBe(0);
      expect(await endOf(line, options)).toEqual(expected);
    });

    it.each([...(options.crashPoints ?? batchCrashPoints)])('a crash at %s is repaired by a restart', async (point) => {
      await fresh();
      await line.publish(...options.inputs);
      const reached = crashOnceAt(point);
      await line.start();
      await reached;
      await line.stop();
      setFaultHook(null);
      await line.start();
      await line.caughtUp();
      expect(await endOf(line, options)).toEqual(expected);
    });
  });
}

/** From the first passage of the point on, every point throws, until the hook is taken out: nothing more gets done. */
function crashOnceAt(point: string): Promise<void> {
  const reached = Promise.withResolvers<undefined>();
  let dead = false;
  setFaultHook((passed) => {
    if (passed === point) dead = true;
    if (!dead) return;
    reached.resolve(undefined);
    throw new SimulatedCrash(`crashed at ${point}`);
  });
  return reached.promise;
}

async function endOf(line: Line, options: ConformanceOptions): Promise<End> {
  const published = await Promise.all(
    options.starter.processor.writes.map(async ({ name }) => {
      const events = await line.events(name);
      return events.map(({ id, name: event, key, version, data }) => ({
        id,
        event,
        key,
        version,
        data: withoutTimes(data),
      }));
    }),
  );
  return {
    tables: await dumpTables(line.database, options.ignore ?? {}),
    published: published.flat().toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  };
}

/** Times of processing differ from run to run; times that were handed in do not. */
const PROCESSING_TIMES =
  /^(discoveredAt|enrichedAt|failedAt|scoredAt|decidedAt|requestedAt|sentAt|repliedAt|createdAt|assignedAt|completedAt|requeuedAt|changedAt|mergedAt|erasedAt|endedAt|observedAt|latencyMs)$/;

function withoutTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTimes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !PROCESSING_TIMES.test(name))
      .map(([name, inner]) => [name, withoutTimes(inner)]),
  );
}

/** Another order across keys, the same order within each. */
function interleaved(inputs: readonly TestEvent[]): TestEvent[] {
  const queues = [...Map.groupBy(inputs, (input) => encodedKey(input)).values()]
    .toReversed()
    .map((queue) => [...queue]);
  const result: TestEvent[] = [];
  while (queues.some((queue) => queue.length > 0)) {
    for (const queue of queues) {
      const next = queue.shift();
      if (next !== undefined) result.push(next);
    }
  }
  return result;
}

const encodedKey = (input: TestEvent): string => {
  const data = input.data as Readonly<Record<string, unknown>>;
  return input.key ?? ((data['leadId'] ?? data['taskId'] ?? data['callId'] ?? data['externalId'] ?? '') as string);
};

function poisonRecords(line: Line, inputs: readonly TestEvent[]) {
  const [first] = inputs;
  if (first === undefined) throw new Error('conformance needs inputs');
  const good = encodeTestEvent(line.codec, first);
  const value = good.value ?? Buffer.alloc(0);
  const unknownId = Buffer.from(value);
  unknownId.writeInt32BE(2_000_000_000, 1);
  const make = (bad: Buffer | null) => ({ topic: good.topic, key: randomId(), value: bad, headers: {} });
  return [
    make(Buffer.from('{"json":true}')),
    make(null),
    make(Buffer.alloc(0)),
    make(value.subarray(0, value.length - 4)),
    make(Buffer.concat([value, Buffer.from([1, 2, 3])])),
    make(unknownId),
    make(Buffer.alloc(800_000, 7)),
  ];
}
