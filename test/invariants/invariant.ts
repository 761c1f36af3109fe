/** What an invariant is: a name, a sentence, and a check that gives the violations with the ids of what broke it. */
import type { World } from './world.ts';

export type Violation = {
  /** The lead, message, partition or process that it is about. */
  readonly id: string;
  readonly what: string;
};

export type Finding = {
  readonly violations: readonly Violation[];
  /** How many things were looked at: a judge that saw nothing has proved nothing. */
  readonly looked: number;
  /** What is counted and allowed, or could be looked at in part only. */
  readonly notes: readonly string[];
};

export type Invariant = {
  readonly name: string;
  readonly sentence: string;
  /** True where work under way looks like work lost: such a check says nothing before the line is at rest. */
  readonly atRest: boolean;
  readonly check: (world: World) => Promise<Finding>;
};

/** Thrown by a check that lacks what it needs; the run says so instead of passing it over. */
export class CannotCheck extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'CannotCheck';
  }
}

export const finding = (
  looked: number,
  violations: readonly Violation[],
  notes: readonly (string | null)[] = [],
): Finding => ({ looked, violations, notes: notes.filter((note) => note !== null) });
