/**
 * Many leads at once: rows are checked first, then the good ones are committed as events in chunks, each with its count
 * in one transaction. A crash in between leaves whole chunks; the same upload again goes on behind them.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import { createLeadBody } from '@lead-flood/contracts';
import type { CreateLead, RefusedRow } from '@lead-flood/contracts';
import type { Codec } from '@lead-flood/kafka';
import { activeTraceparent, CodedError, derivedId, TransientError } from '@lead-flood/kernel';
import type { Database, OutboxMessage, Transaction } from '@lead-flood/postgres';
import { insertOutbox } from '@lead-flood/postgres';
import { encodeEvent } from '@lead-flood/processor';
import { toSubmission } from '../domain/lead-submission.ts';
import { advanceUpload, beginUpload, endUpload } from './upload-store.ts';

export type Intake = {
  readonly rowsTotal: number;
  readonly accepted: readonly AcceptedRow[];
  readonly refused: readonly RefusedRow[];
};
export type AcceptedRow = { readonly row: number; readonly lead: CreateLead };
export type IntakeFacts = {
  readonly jobId: string;
  readonly orgId: string;
  readonly userId: string;
  readonly kind: 'csv' | 'json';
  readonly correlationId: string;
};
export type IntakeDeps = {
  readonly database: Database;
  readonly codec: Codec;
  readonly wakeRelay: () => void;
  readonly now: () => number;
};

const CHUNK_ROWS = 500;
const TRIES_MAX = 4;
const RETRY_MS = 50;
const MESSAGE_MAX = 200;

/** One row against the contract of a lead. The refusal names field and reason, never the value. */
export function checkRow(row: number, fields: unknown): AcceptedRow | RefusedRow {
  const result = createLeadBody.safeParse(fields);
  return result.success ? { row, lead: result.data } : refusal(row, result.error.issues[0]);
}

export const isRefused = (row: AcceptedRow | RefusedRow): row is RefusedRow => 'code' in row;

const refusal = (row: number, issue: z.core.$ZodIssue | undefined): RefusedRow => ({
  row,
  field: issue === undefined || issue.path.length === 0 ? null : issue.path.join('.').slice(0, MESSAGE_MAX),
  code: issue?.code ?? 'invalid',
  message: (issue?.message ?? 'not a lead').slice(0, MESSAGE_MAX),
});

/** Resolves after the last commit. */
export async function commitIntake(
  deps: IntakeDeps,
  { rowsTotal, accepted, refused }: Intake,
  facts: IntakeFacts,
): Promise<void> {
  const { jobId, orgId, userId, kind } = facts;
  const submittedAt = deps.now();
  let after = await commit(deps, (tx) => beginUpload(tx, { id: jobId, orgId, userId, kind, rowsTotal, refused }));
  const open = accepted.filter(({ row }) => row > after);
  for (let from = 0; from < open.length; from += CHUNK_ROWS) {
    const chunk = open.slice(from, from + CHUNK_ROWS);
    const step = { after, upTo: chunk.at(-1)?.row ?? after, rows: chunk.length };
    const messages = chunk.map((row) => toMessage(deps.codec, row, facts, submittedAt));
    await commit(deps, async (tx) => {
      if (!(await advanceUpload(tx, jobId, step)))
        throw new CodedError('IGW_ERR_IDEMPOTENCY_IN_PROGRESS', 'another request with this key is at work: ask again');
      await insertOutbox(tx, messages);
    });
    after = step.upTo;
    deps.wakeRelay();
  }
  await commit(deps, (tx) => endUpload(tx, jobId));
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
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await deps.database.transaction(body);
    } catch (error) {
      if (!(error instanceof TransientError) || attempt === TRIES_MAX) throw error;
      await delay(RETRY_MS * 2 ** attempt * Math.random());
    }
  }
}
