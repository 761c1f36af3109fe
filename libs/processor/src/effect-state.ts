/**
 * The states of one message in an effect runner, as effect-runner.ts draws and explains them. Each change is asserted: a
 * message that is finished twice, or committed without having been finished, is a bug of ours and ends the process.
 */
import { invariant } from '@lead-flood/kernel';

const leadsTo = {
  waiting: ['starting', 'dropped'],
  starting: ['under way', 'finished', 'abandoned'],
  'under way': ['finished', 'abandoned'],
  finished: ['committed', 'lost'],
  committed: [],
  dropped: [],
  abandoned: [],
  lost: [],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type EffectState = keyof typeof leadsTo;

export type Stateful = {
  readonly record: { readonly topic: string; readonly partition: number; readonly offset: number };
  state: EffectState;
};

export function enter(item: Stateful, next: EffectState): void {
  const allowed: readonly EffectState[] = leadsTo[item.state];
  const { topic, partition, offset } = item.record;
  invariant(allowed.includes(next), `${topic}/${partition}@${offset} is ${item.state} and cannot become ${next}`);
  item.state = next;
}
