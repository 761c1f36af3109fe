/** How a group divides its partitions: by number, evenly, moving little; and with members that know only kafkajs' own way. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createConsumer } from '@lead-flood/kafka';
import type { Consumer, KafkaClient } from '@lead-flood/kafka';
import { randomId } from '@lead-flood/kernel';
import { eventually } from '@lead-flood/testing';
import { dealNumbers } from '../src/assigner.ts';
import type { Holder } from '../src/assigner.ts';
import { connect, ownTopic } from './peer.ts';

type Dealt = ReadonlyMap<string, readonly number[]>;

const counts = fc.integer({ min: 0, max: 60 });
const memberIds = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 9 });
/** Members that claim anything: what others hold, what does not exist any more, nothing. */
const claimants = memberIds.chain((ids) =>
  fc.tuple(...ids.map((memberId) => fc.record({ memberId: fc.constant(memberId), held: fc.uniqueArray(counts) }))),
);

const holdersOf = (dealt: Dealt): Holder[] => [...dealt].map(([memberId, held]) => ({ memberId, held }));
const sizes = (dealt: Dealt): number[] => [...dealt.values()].map(({ length }) => length);
const moved = (before: Dealt, after: Dealt): number =>
  [...before].reduce((sum, [memberId, held]) => {
    const kept = new Set(after.get(memberId));
    return sum + held.filter((number) => !kept.has(number)).length;
  }, 0);

describe('dealing numbers', () => {
  it('gives each to exactly one member, and none two more than another, whatever they claim', () => {
    fc.assert(
      fc.property(counts, claimants, (count, holders) => {
        const dealt = dealNumbers(count, holders);
        expect([...dealt.keys()].toSorted()).toEqual(holders.map(({ memberId }) => memberId).toSorted());
        expect([...dealt.values()].flat().toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: count }, (_, i) => i),
        );
        expect(Math.max(...sizes(dealt)) - Math.min(...sizes(dealt))).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('does not depend on the order in which the members are named', () => {
    fc.assert(
      fc.property(counts, claimants, (count, holders) => {
        expect(dealNumbers(count, holders.toReversed())).toEqual(dealNumbers(count, holders));
      }),
    );
  });

  it('moves nothing while nobody comes or goes', () => {
    fc.assert(
      fc.property(counts, claimants, (count, holders) => {
        const before = dealNumbers(count, holders);
        expect(dealNumbers(count, holdersOf(before))).toEqual(before);
      }),
    );
  });

  it('moves to one that comes its share and no more', () => {
    fc.assert(
      fc.property(counts, claimants, (count, holders) => {
        const before = dealNumbers(count, holders);
        const after = dealNumbers(count, [...holdersOf(before), { memberId: 'the one that comes', held: [] }]);
        expect(moved(before, after)).toBe(Math.floor(count / (holders.length + 1)));
      }),
    );
  });

  it('moves of one that leaves its share and no more', () => {
    fc.assert(
      fc.property(counts, claimants, (count, holders) => {
        fc.pre(holders.length > 1);
        const [leaver, ...others] = holdersOf(dealNumbers(count, holders));
        const before = new Map(others.map(({ memberId, held }) => [memberId, held]));
        expect(moved(before, dealNumbers(count, others))).toBe(0);
        expect(leaver?.held.length).toBeLessThanOrEqual(Math.ceil(count / holders.length));
      }),
    );
  });

  it('gives one that was put out of the group and comes back what it had', () => {
    const dealt = dealNumbers(6, [
      { memberId: 'stayed', held: [0, 1, 2, 3, 4, 5] },
      { memberId: 'was-away', held: [3, 4, 5] },
    ]);
    expect(Object.fromEntries(dealt)).toEqual({ stayed: [0, 1, 2], 'was-away': [3, 4, 5] });
  });
});

describe('a group', () => {
  type Member = { consumer: Consumer; assigned: () => Readonly<Record<string, readonly number[]>> };

  async function join(client: KafkaClient, group: string, topics: readonly string[]): Promise<Member> {
    let assigned: Readonly<Record<string, readonly number[]>> = {};
    const consumer = await createConsumer({
      client,
      group,
      topics,
      sessionTimeoutMs: 10_000,
      fetchBytesMax: 1_000,
      fetchWaitMs: 100,
      onAssigned: ({ partitions }) => {
        assigned = partitions;
      },
      onFetch: () => Promise.resolve(true),
      onFatal: (error) => {
        throw error;
      },
    });
    return { consumer, assigned: () => assigned };
  }

  const shares = (members: readonly Member[], topic: string): number[][] =>
    members.map(({ assigned }) => (assigned()[topic] ?? []).toSorted());

  it('has partition n of all its topics with one member, and keeps it there', async () => {
    const client = connect();
    const topics = [await ownTopic(client, 5), await ownTopic(client, 5)] as const;
    const group = `g-${randomId()}`;
    const first = await join(client, group, topics);
    await eventually('the first to have all', () => first.consumer.assignedCount() === 10);
    const second = await join(client, group, topics);
    const two = [first, second];
    await eventually('both to have a share', () =>
      two.every(({ consumer }) => [4, 6].includes(consumer.assignedCount())),
    );
    expect(shares(two, topics[0])).toEqual(shares(two, topics[1]));
    const kept = shares([first], topics[0]).flat();

    const third = await join(client, group, topics);
    const three = [first, second, third];
    await eventually('three to have a share', () =>
      three.every(({ consumer }) => [2, 4].includes(consumer.assignedCount())),
    );
    expect(shares(three, topics[0])).toEqual(shares(three, topics[1]));
    expect(kept).toEqual(expect.arrayContaining(shares([first], topics[0]).flat()));
    await Promise.all(three.map(({ consumer }) => consumer.stop()));
  });

  it('of members of which one knows only kafkajs’ way divides in that way, and by number once it has left', async () => {
    const client = connect();
    const topics = [await ownTopic(client, 3), await ownTopic(client, 3)] as const;
    const group = `g-${randomId()}`;
    const old = client.consumer({ groupId: group, heartbeatInterval: 200, maxWaitTimeInMs: 100 });
    const protocols: (string | undefined)[] = [];
    old.on(old.events.GROUP_JOIN, ({ payload }) => protocols.push(payload.groupProtocol));
    await old.connect();
    await old.subscribe({ topics: [...topics] });
    await old.run({ eachMessage: () => Promise.resolve() });

    const two = [await join(client, group, topics), await join(client, group, topics)];
    await eventually('all three to have two', () => two.every(({ consumer }) => consumer.assignedCount() === 2));
    expect(new Set(protocols)).toEqual(new Set(['RoundRobinAssigner']));

    await old.disconnect();
    await eventually(
      'two to have all',
      () => two.reduce((sum, { consumer }) => sum + consumer.assignedCount(), 0) === 6,
    );
    await eventually('their shares', () => shares(two, topics[0]).flat().length === 3);
    expect(shares(two, topics[0])).toEqual(shares(two, topics[1]));
    await Promise.all(two.map(({ consumer }) => consumer.stop()));
  });
});
