/**
 * Many leads at once: their rows are committed in chunks, each with its counts in one transaction: the good ones as events
 * that wait to be admitted, the others with what is wrong. Neither is ever in memory as a whole. A crash in between leaves
 * whole chunks; the same upload again goes on behind them.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { z } from 'zod';
import { createLeadBody } from '@lead-flood/contracts';
import type { CreateLead, RefusedRow } from '@lead-flood/contracts';
import type { Codec } from '@lead-flood/kafka';
import { activeTraceparent, CodedError, derivedId, TransientError } from '@lead-flood/kernel';
import type { Database, OutboxMessage, Transaction } from '@lead-flood/postgres';
import { growingPauseMs, insertOutbox, repeat } from '@lead-flood/postgres';
import { encodeEvent } from '@lead-flood/processor';
import { insertAdmissions } from '../admission/admission-store.ts';
import type { Admission } from '../admission/admission.ts';
import { refuseBeyondBacklog } from '../admission/backlog.ts';
import { toSubmission } from '../domain/lead-submission.ts';
import { uploadType } from '../domain/upload-job.ts';
import { createStandBack } from './stand-back.ts';
import type { UploadCounts } from './upload-store.ts';
import { advanceUpload, beginUpload, endUpload } from './upload-store.ts';

export type AcceptedRow = { readonly row: number; readonly lead: CreateLead };
export type Row = AcceptedRow | RefusedRow;
export type IntakeFacts = {
  readonly jobId: string;
  readonly orgId: string;
  readonly userId: string;
  readonly kind: 'csv' | 'json';
  readonly correlationId: string;
  readonly rowsTotal: number;
};
export type IntakeDeps = {
  readonly database: Database;
  readonly codec: Codec;
  readonly admission: Pick<Admission, 'wake'>;
  readonly now: () => number;
  readonly areSinglesComing: () => Promise<boolean>;
  /** ADMISSION_WAITING_MAX */
  readonly waitingMax: number;
};

const CHUNK_ROWS = 500;
/** Rows between two looks at what else came: a file must not hold up single requests for longer than these take, 5 ms. */
const TURN_ROWS = 50;
/** A list of usual size is answered as fast as can be. */
const HURRIED_ROWS = 2_000;
const TRIES_MAX = 4;
const PAUSE = { first: 50, max: 1_000 };
const MESSAGE_MAX = 200;

/** One row against the contract of a lead. The refusal names field and reason, never the value. */
export function checkRow(row: number, fields: unknown): Row {
  const result = createLeadBody.safeParse(fields);
  return result.success ? { row, lead: result.data } : refusal(row, result.error.issues[0]);
}

const isRefused = (row: Row): row is RefusedRow => 'code' in row;

const refusal = (row: number, issue: z.core.$ZodIssue | undefined): RefusedRow => ({
  row,
  field: issue === undefined || issue.path.length === 0 ? null : issue.path.join('.').slice(0, MESSAGE_MAX),
  code: issue?.code ?? 'invalid',
  message: (issue?.message ?? 'not a lead').slice(0, MESSAGE_MAX),
});

/**
 * Refuses the upload as a whole where too many leads wait. Otherwise takes in the rows behind what an earlier request has
 * already committed, which `rowsAfter` must give in order. Resolves after the last commit with the counts of the whole upload.
 */
export async function commitIntake(
  deps: IntakeDeps,
  rowsAfter: (row: number) => AsyncIterable<Row> | Iterable<Row>,
  facts: IntakeFacts,
): Promise<UploadCounts> {
  const submittedAt = deps.now();
  let after = await commit(deps, async (tx) => {
    const begun = await beginUpload(tx, facts);
    const { committed } = begun;
    await refuseBeyondBacklog(tx, facts, facts.rowsTotal - committed, deps.waitingMax);
    if (begun.isNew) await insertOutbox(tx, [toJobMessage(deps, facts, 'queued', { accepted: 0, refused: 0 })]);
    return committed;
  });
  // What an earlier request has committed may not have been told to anybody.
  if (after > 0) deps.admission.wake();
  const commitChunk = async (chunk: readonly Row[]): Promise<void> => {
    const refused = chunk.filter(isRefused);
    const messages = chunk.flatMap((row) => (isRefused(row) ? [] : toMessage(deps.codec, row, facts, submittedAt)));
    const step = { after, upTo: chunk.at(-1)?.row ?? after, accepted: messages.length, refused };
    await commit(deps, async (tx) => {
      const advanced = await advanceUpload(tx, facts.jobId, step);
      if (advanced === 'elsewhere')
        throw new CodedError('IGW_ERR_IDEMPOTENCY_IN_PROGRESS', 'another request with this key is at work: ask again');
      if (advanced === 'new') await insertAdmissions(tx, facts.orgId, messages);
    });
    after = step.upTo;
    deps.admission.wake();
  };
  let chunk: Row[] = [];
  const standBack = createStandBack(deps.areSinglesComing);
  for await (const row of rowsAfter(after)) {
    chunk.push(row);
    if (chunk.length % TURN_ROWS === 0) await nextTurn();
    if (chunk.length < CHUNK_ROWS) continue;
    await commitChunk(chunk);
    chunk = [];
    if (facts.rowsTotal > HURRIED_ROWS) await standBack();
  }
  if (chunk.length > 0) await commitChunk(chunk);
  return commit(deps, async (tx) => {
    const { isFirst, ...counts } = await endUpload(tx, facts.jobId);
    if (isFirst) await insertOutbox(tx, [toJobMessage(deps, facts, 'running', counts)]);
    return counts;
  });
}

/** An upload begins and is received; that its leads have their outcomes, whoever looks finds out (jobs/http.ts). */
function toJobMessage(
  { codec, now }: Pick<IntakeDeps, 'codec' | 'now'>,
  { orgId, jobId, kind, correlationId, rowsTotal }: IntakeFacts,
  status: 'queued' | 'running',
  { refused }: UploadCounts,
): OutboxMessage {
  const data = {
    orgId,
    jobId,
    type: uploadType(kind),
    status,
    leadId: null,
    error: null,
    // What was handed in is on its way: nobody could stop it.
    owner: '',
    total: rowsTotal,
    done: 0,
    refused,
    attempts: 1,
    retryable: false,
    changedAt: now(),
  };
  const cause = { id: derivedId(jobId, status), orgId, correlationId, traceparent: activeTraceparent() };
  const version = status === 'queued' ? 1 : 2;
  return encodeEvent(codec, { name: 'JobChanged', data }, { cause, group: 'ingest-gateway', ordinal: 0, version });
}

function toMessage(
  codec: Codec,
  { row, lead }: AcceptedRow,
  { orgId, jobId, correlationId }: IntakeFacts,
  submittedAt: number,
): OutboxMessage {
  const id = derivedId(jobId, row);
  const data = toSubmission(lead, { orgId, jobId, row, submittedAt });
  const message = encodeEvent(
    codec,
    { name: 'LeadSubmitted', data },
    {
      cause: { id, orgId, correlationId, traceparent: activeTraceparent() },
      group: 'ingest-gateway',
      ordinal: 0,
      version: null,
    },
  );
  // The topic names no key of its own: the submission's id spreads the rows and tells nothing of the person.
  return { ...message, key: id };
}

async function commit<T>(deps: IntakeDeps, body: (tx: Transaction) => Promise<T>): Promise<T> {
  return repeat(() => deps.database.transaction(body), {
    mayPass: (error) => error instanceof TransientError,
    triesMax: TRIES_MAX,
    pauseMs: growingPauseMs(PAUSE),
  });
}
