/** The states of a message in an effect runner: what may follow what is drawn in effect-runner.ts, and all else is a bug. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InvariantError } from '@lead-flood/kernel';
import type { EffectState, Stateful } from '../src/effect-state.ts';
import { enter } from '../src/effect-state.ts';

const messageIn = (state: EffectState): Stateful => ({ record: { topic: 't', partition: 1, offset: 7 }, state });

describe('a message of an effect runner', () => {
  it.each([
    ['waiting', 'starting', 'under way', 'finished', 'committed'],
    ['waiting', 'dropped'],
    ['waiting', 'starting', 'finished', 'lost'],
    ['waiting', 'starting', 'abandoned'],
    ['waiting', 'starting', 'under way', 'abandoned'],
  ] as const)('may go from %s to %s %s %s %s', (first, ...others) => {
    const message = messageIn(first);
    for (const state of others) enter(message, state);
    expect(message.state).toBe(others.at(-1));
  });

  it.each([
    ['waiting', 'committed'],
    ['under way', 'committed'],
    ['finished', 'finished'],
    ['committed', 'committed'],
    ['dropped', 'starting'],
    ['abandoned', 'finished'],
    ['lost', 'committed'],
  ] as const)('that is %s cannot become %s', (state, next) => {
    const message = messageIn(state);
    expect(() => enter(message, next)).toThrow(InvariantError);
    expect(() => enter(message, next)).toThrow(`t/1@7 is ${state} and cannot become ${next}`);
  });

  it('has no state but those that effect-runner.ts explains', () => {
    const drawing = readFileSync(new URL('../src/effect-runner.ts', import.meta.url), 'utf8');
    const states: EffectState[] = [
      'waiting',
      'starting',
      'under way',
      'finished',
      'committed',
      'dropped',
      'abandoned',
      'lost',
    ];
    for (const state of states) expect(drawing).toMatch(new RegExp(String.raw`^ \*   ${state} {2,}`, 'm'));
  });
});
