/**
 * Chapter 19: several members.
 *
 * When a member comes or goes, the group divides its partitions anew, and everybody stands still until the last has said
 * that it is ready. A member's calls are then under way. They may end first, so that the next owner does not make them
 * again; but the group waits no longer than a few seconds, since one call may take half a minute.
 *
 *   stays   ──── call ────────┤ answer committed ├─ ready ─┐
 *   comes          ├─ ready ──────────────────────────────┴─▶ each its share
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { claimPositions, createJournalWriter, readPositions } from '@lead-flood/postgres';
import { batchProcessor, effectProcessor, shellDefaults } from '@lead-flood/processor';
import { createLine, eventually, sampleId } from '@lead-flood/testing';
import type { Line } from '@lead-flood/testing';
import { at, countOf, createAppraiser, createWorld, enriched, tallies, tally } from './example.ts';

const topic = 'enrichment.lead.v1';
const group = 'appraise';
/** What an idle member's fetch waits before it hears of a rebalance. */
const FETCH_MS = 1_000;
/** A member hears of a rebalance within one of them. */
const SLOW_SAVE_MS = 600;
const leads = Array.from({ length: 12 }, (_, i) => `lead-${i}`);

describe('calls under way', () => {
  let line: Line;
  afterEach(() => line.close());

  /** The leads of these names are answered when the test says so. */
  function createGates(...names: readonly string[]) {
    const gates = new Map(names.map((name) => [sampleId(name), Promise.withResolvers<undefined>()]));
    const world = createWorld(async (leadId) => {
      await gates.get(leadId)?.promise;
      return 7;
    });
    const asked = (name: string): number => world.asked.filter((id) => id === sampleId(name)).length;
    const open = (...opened: readonly string[]): void => {
      for (const name of opened) gates.get(sampleId(name))?.resolve(undefined);
    };
    return { world, asked, open };
  }

  const begin = async (world: ReturnType<typeof createWorld>, limits: { inFlightMax: number; deadlineMs: number }) => {
    line = await createLine(effectProcessor(createAppraiser(world, limits)), at);
    await line.publish(...leads.map((lead) => enriched(lead, 1)));
  };

  const partitionOf = async (lead: string): Promise<number> =>
    (await line.records(topic)).find(({ key }) => key?.toString() === sampleId(lead))?.partition ?? -1;

  /** Until the group has waited for so long to divide its partitions anew, or `isOver`. */
  async function groupToWait(ms: number, isOver: () => boolean): Promise<void> {
    const admin = line.client.admin();
    await admin.connect();
    let since = Number.POSITIVE_INFINITY;
    await eventually('the group to wait, or somebody to be asked twice', async () => {
      const { groups } = await admin.describeGroups([line.prefix + group]);
      if (groups[0]?.state === 'PreparingRebalance') since = Math.min(since, Date.now());
      return Date.now() - since > ms || isOver();
    });
    await admin.disconnect();
  }

  it('end before their partitions go to one that comes, and are not made again', async () => {
    const { world, asked, open } = createGates(...leads);
    await begin(world, { inFlightMax: 64, deadlineMs: 30_000 });
    await line.start();
    await eventually('all to be asked for', () => world.inFlight === leads.length);
    const joined = line.join();
    // Longer than a fetch takes.
    await groupToWait(FETCH_MS * 2, () => world.asked.length > leads.length);
    open(...leads);
    await joined;
    await line.caughtUp();
    expect(leads.map(asked)).toEqual(leads.map(() => 1));
  });

  it('end as well before the next that comes right behind it has its share', async () => {
    const later = leads.map((lead) => `${lead}-later`);
    const all = [...leads, ...later];
    const { world, asked, open } = createGates(...all);
    await begin(world, { inFlightMax: 64, deadlineMs: 30_000 });
    await line.start();
    await eventually('all to be asked for', () => world.inFlight === leads.length);
    // Each time the group waits for most of what a member has for its calls: twice that is more than a member has once.
    const divide = async (waitingFor: readonly string[]) => {
      const joined = line.join();
      await groupToWait(3_000, () => all.some((lead) => asked(lead) > 1));
      open(...waitingFor);
      await joined;
    };
    await divide(leads);
    await line.publish(...later.map((lead) => enriched(lead, 1)));
    const partitions = await Promise.all(later.map(partitionOf));
    // The one that came has the last partition. Its calls are done: the group waits for nobody but the first member.
    open(...later.filter((_, i) => partitions[i] === 2));
    const left = later.filter((_, i) => partitions[i] !== 2);
    await eventually('the others to be left', () => world.inFlight === left.length && later.every((l) => asked(l) > 0));
    await divide(left);
    await line.caughtUp();
    expect(all.map(asked)).toEqual(all.map(() => 1));
    for (const lead of all) expect(await countOf(line.database, lead)).toBe(1);
  }, 60_000);

  it('keep the group waiting for a few seconds, not for as long as they may take', async () => {
    const { world, open } = createGates(...leads);
    // One at a time: the member waits in its handler when the other comes.
    await begin(world, { inFlightMax: 1, deadlineMs: 60_000 });
    await line.start();
    await eventually('one to be asked for', () => world.inFlight === 1);
    let hasShare = false;
    const joined = line.join().then(() => (hasShare = true));
    // Kafka itself would put the member out after 20 s.
    await eventually('the one that comes to have its share', () => hasShare, 14_000);
    open(...leads);
    await joined;
    await line.caughtUp();
  }, 60_000);

  it('of one partition do not keep the others of their member waiting', async () => {
    const { world, open } = createGates(...leads);
    await begin(world, { inFlightMax: 8, deadlineMs: 60_000 });
    const partitions = new Map<string, number>();
    for (const lead of leads) partitions.set(lead, await partitionOf(lead));
    // The member has all three partitions and keeps the first two when another comes.
    const slow = leads.find((lead) => partitions.get(lead) === 0) ?? '';
    open(...leads.filter((lead) => lead !== slow));
    await line.start();
    await eventually('the slow one to be all that is left', () => world.asked.length === 12 && world.inFlight === 1);
    await line.join();
    const neighbours = leads.filter((lead) => partitions.get(lead) === 1);
    await line.publish(...leads.map((lead) => enriched(lead, 2)));
    await eventually(
      'the second partition to move',
      async () => (await Promise.all(neighbours.map((lead) => countOf(line.database, lead)))).every((n) => n === 2),
      15_000,
    );
    open(slow);
    await line.caughtUp();
    expect(world.asked.filter((id) => id === sampleId(slow))).toHaveLength(2);
  }, 60_000);

  it('are of all partitions in turn, so that none stands still behind what was fetched of the others', async () => {
    const { world, open } = createGates(...leads);
    const many = Array.from({ length: 90 }, (_, i) => `many-${i}`);
    await begin(world, { inFlightMax: 2, deadlineMs: 30_000 });
    open(...leads);
    await line.publish(...many.map((lead) => enriched(lead, 1)));
    await line.start();
    await line.caughtUp();
    const partitions = new Map((await line.records(topic)).map(({ key, partition }) => [key?.toString(), partition]));
    expect(new Set(world.asked.slice(0, 6).map((id) => partitions.get(id))).size).toBe(3);
  });

  it('of one partition are not lost by the loss of another', async () => {
    const { world, asked, open } = createGates(...leads);
    await begin(world, { inFlightMax: 64, deadlineMs: 30_000 });
    await line.start();
    await eventually('all to be asked for', () => world.inFlight === leads.length);
    const lost = await partitionOf('lead-0');
    const epochs = async () =>
      (await readPositions(line.database, group)).filter((p) => p.topic.endsWith(topic) && p.partition !== lost);
    const before = (await epochs()).map(({ epoch }) => epoch);
    // Somebody else takes the one, as after a rebalance that this member has not heard of.
    const place = { topic: line.prefix + topic, partition: lost };
    const [claimed] = await claimPositions(line.database, group, [place]);
    const taken = claimed?.epoch ?? 0;
    for (const lead of leads) if ((await partitionOf(lead)) === lost) open(lead);
    await eventually('the loss to be noticed, and the partition to be claimed anew', async () =>
      (await readPositions(line.database, group)).some((p) => p.topic === place.topic && p.epoch > taken),
    );
    await line.publish(...leads.map((lead) => enriched(`${lead}-later`, 1)));
    const elsewhere: string[] = [];
    for (const lead of leads) if ((await partitionOf(`${lead}-later`)) !== lost) elsewhere.push(`${lead}-later`);
    await eventually('the news of the others to be asked for', () => elsewhere.every((lead) => asked(lead) > 0));
    open(...leads);
    await line.caughtUp();
    expect((await epochs()).map(({ epoch }) => epoch)).toEqual(before);
    for (const lead of leads) if ((await partitionOf(lead)) !== lost) expect([lead, asked(lead)]).toEqual([lead, 1]);
  });

  it('of a former owner who had not heard of it are not made again, even those between the fetch of the next and its claim', async () => {
    const { world, asked, open } = createGates('ada');
    line = await createLine(effectProcessor(createAppraiser(world)), at);
    await line.publish(enriched('ada', 1));
    let hasWoken = false;
    line.onFault(async (point) => {
      if (point !== 'position.claim.before' || hasWoken) return;
      hasWoken = true;
      // It reads what came meanwhile, asks, stores the answer, and finds out at its commit, which is of no account here.
      await line.publish(enriched('ada', 2));
      const former = createJournalWriter(line.database, group);
      await former.finish(sampleId('enriched', 'ada', 2), 'worth', '5');
    });
    await line.start();
    open('ada');
    await line.caughtUp();
    expect([await countOf(line.database, 'ada'), asked('ada')]).toEqual([2, 1]);
  });
});

describe('a large fetch', () => {
  it('is left behind the transaction that runs when somebody comes: what it still holds comes again', async () => {
    const hurried = Promise.withResolvers<undefined>();
    let saves = 0;
    const slow: typeof tally = {
      ...tally,
      store: {
        ...tallies,
        save: async (tx, states) => {
          saves += 1;
          await Promise.race([hurried.promise, delay(SLOW_SAVE_MS)]);
          return tallies.save(tx, states);
        },
      },
    };
    const large = await createLine(batchProcessor(slow, { ...shellDefaults, batchMessagesMax: 1 }), at);
    const admin = large.client.admin();
    await admin.connect();
    const group = async () => (await admin.describeGroups([`${large.prefix}tally`])).groups[0];
    try {
      await large.publish(...leads.flatMap((lead) => [1, 2, 3].map((version) => enriched(lead, version))));
      await large.start();
      await eventually('the first transaction', () => saves === 1);
      const joined = large.join();
      await eventually('the group to wait for it', async () => (await group())?.state === 'PreparingRebalance');
      // All of the fetch would take as long as it takes Kafka to put a member out, 20 s.
      const isWhole = async () => (await group())?.state === 'Stable' && (await group())?.members.length === 2;
      await eventually('the group to be whole, with most still to be done', isWhole, 14_000);
      hurried.resolve(undefined);
      await joined;
      await large.caughtUp();
      for (const lead of leads) expect(await countOf(large.database, lead)).toBe(3);
    } finally {
      hurried.resolve(undefined);
      await admin.disconnect();
      await large.close();
    }
  }, 60_000);
});
