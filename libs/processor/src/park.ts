/** What a batch sets aside: the first reject of a key and what comes behind it. The way back is drain.ts. */
import { headersAsText } from '@lead-flood/kafka';
import { isId } from '@lead-flood/kernel';
import type { ParkedMessage, Queries } from '@lead-flood/postgres';
import { parkMessages } from '@lead-flood/postgres';
import type { DecodedInput } from './decode.ts';
import type { FoldOutcome } from './fold.ts';

/** What is parked after a fold: the first reject of a key with its code, and whatever came behind it. */
export async function parkAfterFold(
  tx: Queries,
  group: string,
  inputs: readonly DecodedInput[],
  keys: readonly string[],
  outcomes: readonly FoldOutcome<unknown>[],
): Promise<void> {
  const messages = outcomes.flatMap((outcome, i): ParkedMessage[] => {
    const input = inputs[i];
    if (outcome.parks !== true || input === undefined) return [];
    const { record, event } = input;
    return [
      {
        key: keys[i] ?? event.key,
        topic: record.topic,
        partition: record.partition,
        offset: record.offset,
        timestampMs: record.timestamp,
        recordKey: record.key,
        headers: JSON.stringify(headersAsText(record.headers)),
        value: record.value,
        orgId: isId(event.orgId) ? event.orgId : null,
        code: outcome.outcome === 'rejected' ? outcome.reason : null,
      },
    ];
  });
  await parkMessages(tx, group, messages);
}
