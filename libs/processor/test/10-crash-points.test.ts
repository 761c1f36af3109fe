/**
 * Chapter 10: crash points.
 *
 * A promise that holds "unless the process dies at the wrong moment" is no promise. So every place where something
 * outside changes has a name (`fault('db.commit.after')`), and the conformance suite of libs/testing kills the
 * processor at each of them, starts it again, and compares the end with an undisturbed run. It runs for every processor
 * of every service, and crash-points.ts breaks it at every passage of each of them without a broker. Here is only the
 * list of the moments, and the proof that a batch really passes each of them.
 *
 *   claim ─ loaded ─ advanced ─ saved ─ outbox ─ commit ─┬─ told
 *                                                        └─ relay: send ─ published ─ advance
 */
import { afterEach, describe, expect, it } from 'vitest';
import { setFaultHook } from '@lead-flood/kernel';
import { batchProcessor, effectProcessor } from '@lead-flood/processor';
import type { Starter } from '@lead-flood/processor';
import { batchCrashPoints, crashPointsInMemory, createLine, effectCrashPoints } from '@lead-flood/testing';
import { at, createAppraiser, createWorld, enriched, tally } from './example.ts';

afterEach(() => {
  setFaultHook(null);
});

async function pointsOf(starter: Starter): Promise<Set<string>> {
  const line = await createLine(starter, at);
  const passed = new Set<string>();
  setFaultHook((point) => void passed.add(point));
  await line.start();
  await line.publish(enriched('ada', 1));
  await line.caughtUp();
  await line.close();
  return passed;
}

describe('a batch', () => {
  it('can crash at these points, and the suite crashes it at each of them', async () => {
    const passed = await pointsOf(batchProcessor(tally));
    expect([...passed].toSorted()).toEqual([
      'db.commit.after', // committed, and nobody was told
      'db.commit.before', // everything done, nothing kept
      'kafka.send.after', // published, and the relay does not know
      'kafka.send.before',
      'position.claim.after', // the partition is ours, and nothing of it is read yet
      'position.claim.before',
      'processor.advanced', // the position moved inside the transaction, nothing else yet
      'processor.loaded',
      'processor.outbox',
      'processor.saved', // states written, events not yet
      'processor.told',
      'relay.advance.after',
      'relay.advance.before',
      'relay.published', // published, and the cursor not moved: the same rows go out again
      'timers.fire.after',
      'timers.fire.before',
    ]);
    expect(passed.difference(new Set<string>(crashPointsInMemory))).toEqual(new Set(batchCrashPoints));
  });
});

describe('an outside call', () => {
  it('adds three moments per step to those of its commit', async () => {
    const passed = await pointsOf(effectProcessor(createAppraiser(createWorld())));
    expect([...effectCrashPoints].filter((point) => !passed.has(point))).toEqual([]);
    expect([...passed].filter((point) => point.startsWith('step.'))).toEqual([
      'step.worth.before', // nobody has been asked
      'step.worth.called', // the answer is here and not stored: a replay asks again (or, with once, is unknown)
      'step.worth.stored',
    ]);
  });
});
