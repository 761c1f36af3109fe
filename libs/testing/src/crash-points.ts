/**
 * L1: every place at which a run can break, one after the other, each in every way, in milliseconds instead of seconds.
 *
 *   list     run undisturbed, twice: which points are passed, and how often (the first passages are places of their own)
 *   try      for each place and mode: the fault, a restart where the process died, the rest of the inputs
 *   compare  tables, distinct published events, their order, dead letters, and the outside world's own log
 *   feed     the same inputs in worse ways, without any fault: repeated, twice, interleaved, one of a key at a time
 *
 * The whole engine is the real one (shell, effect runner, journal, relay, the port to Kafka) on a real Postgres; only the
 * broker is a log in memory (memory-broker.ts). So it is exhaustive about moments and says nothing of groups, rebalances,
 * wire formats and real brokers: those are the conformance suite's.
 *
 * One case again: CRASH_CASE='db.commit.after#2 lost answer' vitest run <file>
 */
import { expect, it } from 'vitest';
import type { OutgoingRecord } from '@lead-flood/kafka';
import type { Database } from '@lead-flood/postgres';
import type { Input } from './conformance.ts';
import type { Fault } from './crash-places.ts';
import { modesOf, nameOf, placesOf } from './crash-places.ts';
import type { Bench, CaseResult, CrashEnd, CrashSubject, TrialOptions } from './crash-trial.ts';
import { createBench, runCase } from './crash-trial.ts';
import { interleaved, portions, repeated, rounds } from './input-order.ts';
import { encodeTestEvent, testCodec } from './line.ts';

export type CrashPointOptions = {
  readonly create: () => CrashSubject;
  readonly schema: string;
  readonly migrations: string;
  readonly inputs: readonly Input[];
  readonly afterwards?: readonly Input[];
  /** False where a record that is written again counts as another (an archive): nothing is then fed twice. */
  readonly repeatable?: boolean;
  readonly seed?: (database: Database) => Promise<void>;
  readonly ignore?: Readonly<Record<string, readonly string[]>>;
  /** Takes out of both ends what this fault explains; without it the ends must be equal as they are. */
  readonly forgive?: (end: CrashEnd, given: { fault: Fault; open: number; other: CrashEnd }) => CrashEnd;
  /** Outcomes that nobody can tell, of an end; they are counted, and never more than the calls that were open. */
  readonly unknownIn?: (end: CrashEnd) => number;
};

/** So that the same point is passed in three different worlds. */
const STAGES = 3;
/** Two commits of one run may be one of the next: where a place is not reached, the case is run again. */
const TRIES_MAX = 3;
/** Databases side by side: a case is mostly waiting for round trips. */
const SIDE_BY_SIDE = 8;
const TITLE = 'ends the same whatever breaks at any passage of any point';

export function crashPoints(name: string, options: CrashPointOptions): void {
  it(`${name} ${TITLE}`, { timeout: 120_000 }, async () => {
    const startedAt = performance.now();
    const codec = await testCodec();
    const encode = (inputs: readonly Input[] = []): OutgoingRecord[] =>
      inputs.map((input) => ('name' in input ? encodeTestEvent(codec, input) : input));
    const trial: TrialOptions = {
      ...options,
      codec,
      stages: [...portions(encode(options.inputs), STAGES), encode(options.afterwards)].filter(
        ({ length }) => length > 0,
      ),
      seed: options.seed ?? (() => Promise.resolve()),
      ignore: options.ignore ?? {},
    };
    const benches = await Promise.all(Array.from({ length: SIDE_BY_SIDE }, () => createBench(options)));
    try {
      const [first, second] = benches;
      if (first === undefined || second === undefined) throw new Error('no bench');
      const [listed, again] = await Promise.all([runCase(first, trial, null), runCase(second, trial, null)]);
      expect(again.end, 'two undisturbed runs').toEqual(listed.end);
      expect([...listed.twice], 'asked twice without any fault').toEqual([]);
      for (const [how, stages] of Object.entries(worseFeeds(encode, options)))
        expect((await runCase(first, { ...trial, stages }, null)).end, how).toEqual(listed.end);
      const passed = new Map(
        [...listed.passed].map(([point, n]) => [point, Math.min(n, again.passed.get(point) ?? 0)]),
      );
      const places = placesOf(passed);
      const cases = places.flatMap((place) => modesOf(place.point).map((mode): Fault => ({ ...place, mode })));
      const wanted = process.env['CRASH_CASE'];
      const chosen = cases.filter((fault) => wanted === undefined || nameOf(fault) === wanted);
      const results = await onEach(benches, chosen, (bench, fault) =>
        tryCase(bench, trial, fault, listed.end, options),
      );
      const differ = results.flatMap(({ complaint }) => complaint ?? []);
      const unknown = results.reduce((sum, result) => sum + result.unknown, 0);
      console.info(
        `crash points of ${name}: ${places.length} passages of ${passed.size} points, ${results.length} cases, ` +
          `${differ.length} differ${unknown === 0 ? '' : `, ${unknown} unknown, each explained`} ` +
          `(${Math.round((performance.now() - startedAt) / 100) / 10} s)`,
      );
      expect(differ.join('\n\n')).toBe('');
      expect(places.length).toBeGreaterThan(0);
      if (wanted === undefined) expect(results.length).toBeGreaterThanOrEqual(places.length);
    } finally {
      await Promise.all(benches.map((one) => one.close()));
    }
  });
}

type Stages = TrialOptions['stages'];

/** The end is the same whatever the inputs' way to the processor; within a key their order stays. */
function worseFeeds(
  encode: (inputs?: readonly Input[]) => OutgoingRecord[],
  { inputs, afterwards, repeatable = true }: CrashPointOptions,
): Readonly<Record<string, Stages>> {
  if (inputs.length === 0) return {};
  const [first, then] = [encode(inputs), encode(afterwards)];
  const staged = (...stages: readonly (readonly OutgoingRecord[])[]): Stages =>
    stages.filter(({ length }) => length > 0);
  return {
    'keys interleaved another way': staged(interleaved(first), interleaved(then)),
    'one input of a key at a time': staged(...rounds(first), then),
    ...(repeatable
      ? {
          'every input one to three times': staged(repeated(first), repeated(then)),
          'the whole stream twice': staged(first, then, first, then),
        }
      : {}),
  };
}

async function onEach<A, T, R>(workers: readonly A[], items: readonly T[], work: (by: A, item: T) => Promise<R>) {
  const rest = [...items];
  const results: R[] = [];
  await Promise.all(
    workers.map(async (worker) => {
      for (let item = rest.shift(); item !== undefined; item = rest.shift()) results.push(await work(worker, item));
    }),
  );
  return results;
}

type Tried = { readonly complaint: string | null; readonly unknown: number };

async function tryCase(
  bench: Bench,
  trial: TrialOptions,
  fault: Fault,
  expected: CrashEnd,
  options: CrashPointOptions,
): Promise<Tried> {
  try {
    let result = await runCase(bench, trial, fault);
    for (let tries = 1; !result.reached && tries < TRIES_MAX; tries += 1) result = await runCase(bench, trial, fault);
    const unknown = options.unknownIn?.(result.end) ?? 0;
    judge(result, fault, { expected, options, unknown, repeatable: options.create().world?.repeatable ?? true });
    return { complaint: null, unknown };
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const cause = error.cause instanceof Error ? `\n${error.cause.message}` : '';
    const seen = 'actual' in error ? JSON.stringify(error.actual) : '';
    return { complaint: `${nameOf(fault)}: ${error.message}${cause} ${seen}`, unknown: 0 };
  }
}

function judge(
  { reached, end, open, twice }: CaseResult,
  fault: Fault,
  given: { expected: CrashEnd; options: CrashPointOptions; unknown: number; repeatable: boolean },
): void {
  const { expected, options, unknown, repeatable } = given;
  expect(reached, 'the place is reached').toBe(true);
  const forgive = (one: CrashEnd, other: CrashEnd): CrashEnd => options.forgive?.(one, { fault, open, other }) ?? one;
  expect(differences(forgive(end, expected), forgive(expected, end))).toEqual([]);
  expect(unknown, 'unknown without a call that was open').toBeLessThanOrEqual(open);
  const repeats = [...twice.values()].reduce((sum, times) => sum + times - 1, 0);
  expect(repeats, `asked twice: ${[...twice.keys()].join(', ')}`).toBeLessThanOrEqual(repeatable ? open : 0);
}

const SHOWN = 4;

/** Row by row and event by event, so that a failing case says what is missing and what is too much. */
function differences(found: CrashEnd, wanted: CrashEnd): string[] {
  const lines = (end: CrashEnd): string[] => [
    ...Object.entries(end.tables).flatMap(([table, rows]) => rows.map((row) => `${table} ${JSON.stringify(row)}`)),
    ...end.published.map((event) => `published ${JSON.stringify(event)}`),
    ...end.letters.map((letter) => `dead letter ${letter}`),
  ];
  const without = (all: readonly string[], others: readonly string[]): string[] => {
    const rest = [...others];
    return all.filter((line) => {
      const at = rest.indexOf(line);
      if (at !== -1) rest.splice(at, 1);
      return at === -1;
    });
  };
  const [here, there] = [lines(found), lines(wanted)];
  return [
    ...without(there, here).map((line) => `missing: ${line}`),
    ...without(here, there).map((line) => `too much: ${line}`),
  ].slice(0, SHOWN);
}
