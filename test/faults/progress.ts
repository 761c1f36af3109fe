/** Whether a group comes forward while something happens to it. It is given something to do: events that it has had before. */
import { setTimeout as delay } from 'node:timers/promises';
import { createProducer, readTopic } from '@lead-flood/kafka';
import type { ServiceName } from '@lead-flood/local';
import { createDatabase, readPositions } from '@lead-flood/postgres';
import { groups } from '../invariants/groups.ts';
import { again } from './repeats.ts';
import type { Stage } from './stage.ts';

/** A join stops the whole group for up to 5 s, and so does a leave. */
export const PROGRESS_MS = 20_000;
const RECORDS = 50;
const LOOK_EVERY_MS = 100;

export type Progress = {
  /** Sends some records again; whether the group's places have moved afterwards. */
  readonly moves: () => Promise<boolean>;
  readonly end: () => Promise<void>;
};

export async function openProgress(
  { stack, client }: Pick<Stage, 'stack' | 'client'>,
  name: ServiceName,
): Promise<Progress> {
  const group = groups.find((one) => one.name === name);
  const [topic] = group?.reads ?? [];
  if (group === undefined || topic === undefined) throw new Error(`${name} has no group of its name`);
  const database = await createDatabase({
    url: stack.addresses.postgres,
    schema: group.schema,
    applicationName: 'invariants',
    connectionsMax: 1,
    readOnly: true,
  });
  const producer = await createProducer(client);
  const place = async (): Promise<number> =>
    (await readPositions(database, name))
      .filter((one) => one.topic === topic)
      .reduce((sum, { nextOffset }) => sum + nextOffset, 0);
  return {
    moves: async () => {
      const records = (await readTopic(client, topic)).slice(-RECORDS).map(again);
      const before = await place();
      await producer.send(records);
      const until = Date.now() + PROGRESS_MS;
      while (Date.now() < until) {
        if ((await place()) > before) return true;
        await delay(LOOK_EVERY_MS);
      }
      return false;
    },
    end: async () => {
      await producer.stop();
      await database.end();
    },
  };
}
