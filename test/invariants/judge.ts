/** Runs the invariants over a world and says in lines what came out. */
import { setTimeout as delay } from 'node:timers/promises';
import { toError } from '@lead-flood/kernel';
import { callerIntervals } from './caller-intervals.ts';
import { contactedOnce } from './contacted-once.ts';
import { endStates } from './end-states.ts';
import { fencing } from './fencing.ts';
import type { Finding, Invariant } from './invariant.ts';
import { CannotCheck } from './invariant.ts';
import { keyOrder } from './key-order.ts';
import { offsets } from './offsets.ts';
import { processes } from './processes.ts';
import { rebuilt } from './rebuilt.ts';
import { rest } from './rest.ts';
import { spending } from './spending.ts';
import { ticks } from './ticks.ts';
import { visibleFaults } from './visible-faults.ts';
import type { World } from './world.ts';

export const invariants: readonly Invariant[] = [
  endStates,
  contactedOnce,
  keyOrder,
  spending,
  callerIntervals,
  rebuilt,
  fencing,
  offsets,
  rest,
  processes,
  visibleFaults,
  ticks,
];

export type Verdict = { readonly invariant: Invariant; readonly result: Finding | { readonly notChecked: string } };

export type JudgeOptions = {
  /** How long the line may take to come to rest before that is a violation itself. */
  readonly settleMs: number;
  readonly only?: readonly string[];
};

const LOOK_EVERY_MS = 500;
const CHECK_MS = 120_000;
const SHOWN_MAX = 20;

export async function judge(world: World, { settleMs, only }: JudgeOptions): Promise<readonly Verdict[]> {
  const chosen = only === undefined ? invariants : invariants.filter(({ name }) => only.includes(name));
  const atRest = await settle(world, settleMs);
  world.refresh();
  const verdicts: Verdict[] = [];
  for (const invariant of chosen) {
    const result =
      invariant.atRest && !atRest ? { notChecked: 'the line is not at rest (see I9)' } : await run(invariant, world);
    verdicts.push({ invariant, result });
  }
  return verdicts;
}

/** Rest is I9 without violations, twice in a row: between two looks a message may be in nobody's hands. */
async function settle(world: World, settleMs: number): Promise<boolean> {
  const until = Date.now() + settleMs;
  let quiet = 0;
  for (;;) {
    quiet = (await rest.check(world)).violations.length === 0 ? quiet + 1 : 0;
    if (quiet === 2) return true;
    if (quiet === 0 && Date.now() > until) return false;
    await delay(LOOK_EVERY_MS);
  }
}

async function run(invariant: Invariant, world: World): Promise<Verdict['result']> {
  const late = new AbortController();
  const deadline = delay(CHECK_MS, { notChecked: `not done within ${CHECK_MS / 1_000} s` }, { signal: late.signal });
  // Aborted once the check is done; nobody waits for it then.
  deadline.catch(() => undefined);
  try {
    return await Promise.race([invariant.check(world), deadline]);
  } catch (error) {
    if (error instanceof CannotCheck) return { notChecked: error.message };
    return { notChecked: `the check failed: ${toError(error).message}` };
  } finally {
    late.abort();
  }
}

export const violationsOf = ({ result }: Verdict): Finding['violations'] =>
  'notChecked' in result ? [] : result.violations;

/** A check that broke down, or a line that did not come to rest, is no pass. */
export const isGood = (verdicts: readonly Verdict[]): boolean =>
  verdicts.every((verdict) => violationsOf(verdict).length === 0) &&
  !verdicts.some(
    ({ result }) => 'notChecked' in result && /^(the check failed|not done|the line)/.test(result.notChecked),
  );

export function linesOf(verdicts: readonly Verdict[]): string[] {
  const lines = verdicts.flatMap(({ invariant: { name, sentence }, result }) => {
    const head = `${name.padEnd(4)}${sentence}`;
    if ('notChecked' in result) return [head, `    not checked: ${result.notChecked}`];
    const { violations, looked, notes } = result;
    const more = violations.length - SHOWN_MAX;
    return [
      head,
      `    ${violations.length} violations, ${looked} looked at`,
      ...violations.slice(0, SHOWN_MAX).map(({ id, what }) => `    ! ${id}: ${what}`),
      ...(more > 0 ? [`    ! and ${more} more`] : []),
      ...notes.map((note) => `    - ${note}`),
    ];
  });
  const count = verdicts.reduce((sum, verdict) => sum + violationsOf(verdict).length, 0);
  const unchecked = verdicts.filter(({ result }) => 'notChecked' in result).map(({ invariant }) => invariant.name);
  return [...lines, `${count} violations${unchecked.length === 0 ? '' : `; not checked: ${unchecked.join(', ')}`}`];
}
