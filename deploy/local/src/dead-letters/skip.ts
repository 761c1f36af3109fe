// Moves a group on past messages that it cannot get past, for instance a flood of garbage that has halted it.
import { recordAct } from '@lead-flood/analytics/dead-letters';
import { endsOf } from '@lead-flood/kafka';
import { movePosition } from '@lead-flood/postgres';
import { readAllPositions, readSchemas } from '@lead-flood/service';
import { LocalError } from '../errors.ts';
import type { Place } from './place.ts';

export interface Skip {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** The next offset that the group shall read. */
  readonly to: number;
}

export interface Skipped {
  readonly from: number;
  readonly to: number;
  readonly end: number;
  readonly done: boolean;
}

/** Without `yes` only says what it would do. LOCAL_ERR_COMMAND_FAILED for a place where there is nothing to skip. */
export async function skip({ database, client, who }: Place, asked: Skip, yes: boolean): Promise<Skipped> {
  const { group, topic, partition, to } = asked;
  const positions = await readAllPositions(database, await readSchemas(database));
  const at = positions.find((p) => p.group === group && p.topic === topic && p.partition === partition);
  if (at === undefined)
    throw new LocalError('LOCAL_ERR_COMMAND_FAILED', `${group} has no position on ${topic}/${partition}`);
  const end = (await endsOf(client, [topic])).get(topic)?.[partition]?.high ?? 0;
  if (to <= at.nextOffset || to > end)
    throw new LocalError(
      'LOCAL_ERR_COMMAND_FAILED',
      `${group} stands at ${at.nextOffset} of ${end} there: skip to something between`,
    );
  if (yes)
    await database.transaction(async (tx) => {
      if (!(await movePosition(tx, at.schema, asked)))
        throw new LocalError(
          'LOCAL_ERR_COMMAND_FAILED',
          `${group} has moved on meanwhile: look where it stands, and skip again`,
        );
      const messages = to - at.nextOffset;
      await recordAct(tx, {
        act: 'skip',
        who,
        filter: { ...asked, from: at.nextOffset },
        org: null,
        matched: messages,
        acted: messages,
        guarded: 0,
      });
    });
  return { from: at.nextOffset, to, end, done: yes };
}
