/**
 * Who of a group reads what: partition n of all its topics goes to one member. Messages of one key have one partition
 * number in all topics of as many partitions, so what a group keeps by that key is written by one member alone; kafkajs'
 * own assigner deals single partitions round, and two members then write the same rows.
 *
 *   two members, two topics of three     kafkajs'              this
 *                                        a: x0 x2 y1           a: x0 x2 y0 y2
 *                                        b: x1 y0 y2           b: x1    y1
 *
 * A number stays with the member that has it as long as the counts allow: what it has says each member itself when it
 * joins, since the member that divides (the leader) may be new and know nothing. Sorted ids would be simpler, but ids
 * are drawn by lot at each start, so every restart would deal all numbers anew, and each number that moves takes its
 * calls under way, and what was remembered for it, from a member that could have gone on.
 *
 * Cooperative it is not: kafkajs knows only rebalances in which all members give up everything for a moment.
 */
import './kafkajs-repairs.ts';
import { AssignerProtocol } from 'kafkajs';
import type { Assigner, PartitionAssigner } from 'kafkajs';

export type Holder = { readonly memberId: string; readonly held: readonly number[] };

/**
 * Deals the numbers 0 to `count` - 1 to the members: each to exactly one, and none has two more than another. As few as
 * possible leave the member that holds them; one that several claim (who was put out of the group claims what has gone to
 * others since) is the one's that claims fewest.
 */
export function dealNumbers(count: number, holders: readonly Holder[]): ReadonlyMap<string, readonly number[]> {
  const claims = holders
    .map(({ memberId, held }) => ({ memberId, held: new Set(held), kept: [] as number[] }))
    .toSorted((a, b) => a.held.size - b.held.size || (a.memberId < b.memberId ? -1 : 1));
  const free: number[] = [];
  for (let number = 0; number < count; number += 1) {
    const claimant = claims.find(({ held }) => held.has(number));
    if (claimant === undefined) free.push(number);
    else claimant.kept.push(number);
  }
  // Where the members do not divide the numbers, those that have most may keep the one that is over.
  const rich = claims.toSorted((a, b) => b.kept.length - a.kept.length);
  const share = (i: number): number => Math.floor(count / rich.length) + (i < count % rich.length ? 1 : 0);
  rich.forEach(({ kept }, i) => free.push(...kept.splice(share(i))));
  free.sort((a, b) => a - b);
  rich.forEach(({ kept }, i) => kept.push(...free.splice(0, share(i) - kept.length)));
  return new Map(claims.map(({ memberId, kept }) => [memberId, kept.toSorted((a, b) => a - b)]));
}

/** A new form of what members say of themselves needs a new name: members of both versions must find a common one. */
const NAME = 'lead-flood-by-number';
const VERSION = 0;

type Member = {
  /** The numbers that this member has at the moment, for its next join. */
  readonly held: () => readonly number[];
  /** See kafkajs-repairs.ts. */
  readonly beforeGivingUp: () => Promise<void>;
};

export const byNumber =
  ({ held, beforeGivingUp }: Member): PartitionAssigner =>
  ({ cluster }): Assigner & Pick<Member, 'beforeGivingUp'> => ({
    beforeGivingUp,
    name: NAME,
    version: VERSION,
    protocol: ({ topics }) => ({
      name: NAME,
      metadata: AssignerProtocol.MemberMetadata.encode({
        version: VERSION,
        topics,
        userData: Buffer.from(JSON.stringify(held())),
      }),
    }),
    assign: ({ members, topics }) => {
      const partitions = topics.map((topic) => ({
        topic,
        numbers: cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId),
      }));
      const count = Math.max(0, ...partitions.map(({ numbers }) => numbers.length));
      const dealt = dealNumbers(
        count,
        members.map(({ memberId, memberMetadata }) => ({ memberId, held: heldIn(memberMetadata) })),
      );
      return Promise.resolve(
        [...dealt].map(([memberId, own]) => ({
          memberId,
          memberAssignment: AssignerProtocol.MemberAssignment.encode({
            version: VERSION,
            assignment: Object.fromEntries(
              partitions.map(({ topic, numbers }) => [topic, numbers.filter((n) => own.includes(n))]),
            ),
            userData: Buffer.alloc(0),
          }),
        })),
      );
    },
  });

function heldIn(metadata: Buffer): readonly number[] {
  const said = AssignerProtocol.MemberMetadata.decode(metadata)?.userData.toString() ?? '';
  // Written by `protocol` above, of whichever version: members of a group with another protocol never come here.
  return said === '' ? [] : (JSON.parse(said) as number[]);
}
