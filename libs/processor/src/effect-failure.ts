/** What a call that threw means for its message: another try later, or a place among the dead letters. */
import type { RawRecord } from '@lead-flood/kafka';
import { CodedError, TransientError } from '@lead-flood/kernel';
import { classify } from '@lead-flood/postgres';
import type { Finished } from './effect-commit.ts';
import { where } from './fold.ts';

export type FailureContext = {
  /** The deadline has passed: whatever was thrown, the call was too slow. */
  readonly late: boolean;
  readonly deadlineMs: number;
  /** Told of errors that nobody expected. */
  readonly report: (error: Error) => void;
};

export function failure(
  record: RawRecord,
  thrown: unknown,
  { late, deadlineMs, report }: FailureContext,
): Finished['result'] {
  const error = classify(thrown);
  if (error instanceof TransientError) return { kind: 'later', error };
  if (late) return { kind: 'later', error: new TransientError('PRC_ERR_DEADLINE', `not done within ${deadlineMs} ms`) };
  report(error);
  const coded = error instanceof CodedError;
  const code = coded ? error.code : 'PRC_ERR_HANDLER_FAULT';
  return { kind: 'refused', refused: { record, code, detail: coded ? error.message : where(error), step: 'perform' } };
}
