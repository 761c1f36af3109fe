/**
 * What cannot be read, in every topic that a group of ours reads: each of these groups names it in a dead letter of its own.
 * Part of I1, since what was acknowledged may be among it.
 */
import { topics } from '@lead-flood/contracts';
import type { TopicName } from '@lead-flood/contracts';
import { deadLetterFacts } from '@lead-flood/kafka';
import type { RawRecord } from '@lead-flood/kafka';
import { decodeRecord, isRefused, learnSchemas } from '@lead-flood/processor';
import { deadLetterTopics, groups } from './groups.ts';
import type { Violation } from './invariant.ts';
import type { World } from './world.ts';

export const placeOf = (at: { topic: string; partition: number; offset: number }): string =>
  `${at.topic}/${at.partition}@${at.offset}`;

export type Letters = {
  readonly keys: ReadonlySet<string>;
  /** Places of the originals. */
  readonly places: ReadonlySet<string>;
  /** The same by the group that wrote the letter. */
  readonly byGroup: ReadonlySet<string>;
};

/** What the dead letters name. */
export async function readLetters(world: World): Promise<Letters> {
  const all = (await Promise.all(deadLetterTopics.map((topic) => world.records(topic)))).flat();
  const [keys, places, byGroup] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (const record of all) {
    const facts = deadLetterFacts(record);
    if (facts === null) continue;
    if (record.key !== null) keys.add(record.key.toString('utf8'));
    places.add(placeOf(facts));
    byGroup.add(`${facts.group} ${placeOf(facts)}`);
  }
  return { keys, places, byGroup };
}

/** Those that decide by events; the archive keeps dead letters as they are, and timers are copies of what was read before. */
const readersOf = (topic: TopicName) => groups.filter(({ reads }) => reads.includes(topic));
const judged = (Object.keys(topics) as TopicName[]).filter(
  (topic) => topics[topic].events.length > 0 && readersOf(topic).length > 0,
);

export async function unreadable(world: World, letters: Letters): Promise<{ looked: number; violations: Violation[] }> {
  const results = await Promise.all(
    judged.map(async (topic) => {
      const records = await world.records(topic);
      await learnSchemas(world.codec, records);
      return {
        looked: records.length,
        violations: records.flatMap((record) => withoutLetter(world, letters, topic, record)),
      };
    }),
  );
  return {
    looked: results.reduce((sum, { looked }) => sum + looked, 0),
    violations: results.flatMap(({ violations }) => violations),
  };
}

function withoutLetter({ codec }: World, letters: Letters, topic: TopicName, record: RawRecord): Violation[] {
  const place = placeOf(record);
  // Who passes over some of a topic's events does not look into them, so that only what has no name at all stops it.
  const isNamed = codec.nameOf(record.value) !== null;
  const reads = new Set<string>(topics[topic].events);
  return readersOf(topic).flatMap(({ name: group, passesOver = [] }) => {
    if ((isNamed && passesOver.includes(topic)) || letters.byGroup.has(`${group} ${place}`)) return [];
    const input = decodeRecord({ group, codec, reads, passedOver: new Set(), topicPrefix: '' }, record);
    return isRefused(input) ? [{ id: place, what: `${input.code}, and no dead letter of ${group} names it` }] : [];
  });
}
