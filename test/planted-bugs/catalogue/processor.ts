/** Promises of the seven moves and of the effect runner. */
import type { Bugs } from './bug.ts';
import { at } from './bug.ts';

const source = (name: string): string => `libs/processor/src/${name}.ts`;
const batch = source('batch');
const commit = source('effect-commit');
const runner = source('effect-runner');
const step = source('step');

const advance = '    await advancePositions(tx, processor.group, advances);\n';
const begin = '  return deps.database.transaction(async (tx) => {\n    // 2. ';

export const processorBugs = {
  'commit-offset-first': {
    says: 'the position moves in a transaction of its own, before the state that belongs to it',
    edits: at(
      batch,
      [advance, ''],
      [begin, `  await deps.database.transaction(async (tx) => {\n${advance}  });\n${begin}`],
    ),
  },
  'publish-before-commit': {
    says: 'events go to the outbox outside of the transaction that decides them',
    edits: at(
      batch,
      [
        '    await insertOutbox(tx, outbox);\n',
        '    await outsideOfTransaction(() => insertOutbox(deps.database, outbox));\n',
      ],
      // The pool refuses a second connection to whoever is inside of a transaction.
      [
        'export async function commitBatch(',
        "import { AsyncLocalStorage } from 'node:async_hooks';\nconst outsideOfTransaction = AsyncLocalStorage.snapshot();\nexport async function commitBatch(",
      ],
    ),
  },
  'drop-dead-letter': {
    says: 'a message that cannot be processed is passed without a dead letter',
    edits: at(batch, [
      '  return refused.map(({ record, ...facts }) => {',
      '  return [].map(({ record, ...facts }) => {',
    ]),
  },
  'no-version-guard': {
    says: 'an event that was applied before is applied again',
    edits: at(source('fold'), ['if (input.guarded && isRepeat(row.seen, event, placed.key)) {', 'if (false) {']),
  },
  'no-dedupe-row': {
    says: 'a redelivered input counts whether or not its row waits for it',
    edits: at(commit, [
      'finished.filter((f) => attemptOf(f) === 0 || expected.get(idOf(f)) === attemptOf(f))',
      'finished',
    ]),
  },
  'unbounded-retry': {
    says: 'an input whose every try failed is tried for ever',
    edits: at(commit, ['else if (input.attempt < processor.redeliverAfterMs.length)', 'else if (true)']),
  },
  'earlier-timer-ends-wait': {
    says: 'a repeat of an earlier try’s timer takes away the row of the try that is waited for',
    edits: at(commit, ['endedOf(current, failed,', 'endedOf(finished, failed,']),
  },
  'overtaken-repeat-ends-wait': {
    says: 'a repeat of the message itself does so after a later message has overtaken it',
    edits: at(commit, ["=> outcomes[i]?.outcome === 'duplicate';", '=> false;']),
  },
  'no-flood-stop': {
    says: 'a batch of refusals drains into the dead letters',
    edits: at(
      source('flood'),
      ['if (group.length >= AT_LEAST && group.length > total * SHARE)', 'if (false)'],
      ['return isFlood ?', 'return false ?'],
    ),
  },
  'blind-retry-of-unknown': {
    says: 'a call that was begun and not ended is made again',
    edits: at(step, ['if (entry !== undefined) {', 'if (false) {'], ['if (!isFree) {', 'if (false) {']),
  },
  'once-without-begin': {
    says: 'a call that must happen at most once leaves no mark before it',
    edits: at(step, ['await deps.journal.begin(deps.messageId, name)', 'true']),
  },
  'answer-not-stored': {
    says: 'the answer of an outside call is used without being stored',
    edits: at(step, [
      '    await deps.journal.finish(deps.messageId, name, JSON.stringify(value ?? null));\n    await fault(`step.${name}.stored`);\n    return value;',
      '    await fault(`step.${name}.stored`);\n    return value;',
    ]),
  },
  'refused-letter-at-once': {
    says: 'a dead letter that cannot be stored is tried again at once, for ever',
    edits: at(source('effect-finished'), ["if (only.result.kind === 'refused') throw error;", '']),
  },
  'skip-open-message': {
    says: 'the position passes a message that is still under way',
    edits: at(source('effect-tracker'), ['if (!finished.delete(offset)) break;', 'finished.delete(offset);']),
  },
  'no-order-within-key': {
    says: 'messages of one key are with the outside world at the same time',
    edits: at(source('effect-queue'), ['if (queue === undefined) {', 'if (true) {']),
  },
  'organisations-in-one-line': {
    says: 'free places go to whoever was fetched first, of whichever organisation',
    edits: at(source('effect-queue'), ["('event' in work ? work.event.orgId : '')", "''"]),
  },
  'no-hand-over': {
    says: 'partitions go to the next owner while their calls are under way',
    edits: at(runner, ['beforeGivingUp: () => drain(HAND_OVER_MS),', 'beforeGivingUp: () => Promise.resolve(),']),
  },
  'no-back-pressure': {
    says: 'an effect runner fetches on, however much of what it has fetched still waits',
    edits: at(runner, ['    while (open() >= inFlightMax && !leaving()) await lifecycle.change();\n', '']),
  },
  'leave-after-fetch': {
    says: 'a member gives its partitions up when all of its fetch is done, however large it is',
    edits: at(source('batch-shell'), ['      if (batches.some((batch) => batch.leaving())) return false;\n', '']),
  },
  'partition-after-partition': {
    says: 'a transaction takes what it can of one partition before it comes to the next',
    edits: at(source('fair-chunks'), ['(max - chunk.length) / (open.length - i)', 'max - chunk.length']),
  },
  'replay-for-all': {
    says: 'a dead letter that is sent again is processed by every group of its topic',
    edits: at(source('decode'), ['if (replayFor !== null && replayFor !== decoding.group)', 'if (false)']),
  },
} satisfies Bugs;
