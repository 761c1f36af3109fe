/** Outreach's REST doors: the inbox. */
import { z } from 'zod';
import type { Handlers, threadRoutes, ThreadSummary } from '@lead-flood/contracts';
import { threadCursor } from '@lead-flood/contracts';
import { CodedError, derivedId, randomId } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';
import type { Applier } from '@lead-flood/processor';
import type { Conversation, Message } from './domain/conversation.ts';
import type { OutreachCommands } from './processor.ts';
import { conversations } from './store.ts';

const iso = (at: number): string => new Date(at).toISOString();

const after = ([at, key]: readonly [number, string]) =>
  sql.fragment`and (last_message_at, key) < (${iso(at)}::timestamptz, ${key}::uuid)`;

export function handlers(
  database: Database,
  applier: Applier<Conversation, OutreachCommands>,
): Handlers<typeof threadRoutes> {
  return {
    listThreads: async ({ query, principal }) => {
      const rows = await database.any(sql.type(z.object({ key: z.string(), last_message_at: z.number() }))`
        select key, last_message_at from conversations
        where org_id = ${principal.orgId} and thread_id is not null and last_message_at is not null
          ${query.status === undefined ? sql.fragment`` : sql.fragment`and thread_status = ${query.status}`}
          ${query.replied === undefined ? sql.fragment`` : sql.fragment`and replied = ${query.replied}`}
          ${query.cursor === undefined ? sql.fragment`` : after(query.cursor)}
        order by last_message_at desc, key desc
        limit ${query.limit + 1}
      `);
      const page = rows.slice(0, query.limit);
      const states = await conversations.load(
        database,
        page.map((r) => r.key),
      );
      const items = page.flatMap(({ key }) => {
        const stored = states.get(key);
        return stored === undefined ? [] : summaries(key, stored.state);
      });
      const last = page.at(-1);
      return {
        items,
        nextCursor:
          rows.length > query.limit && last !== undefined ? threadCursor.write([last.last_message_at, last.key]) : null,
      };
    },
    getThread: async ({ params, principal }) => {
      const { leadId, state } = await findThread(database, principal.orgId, params.threadId);
      const [summary] = summaries(leadId, state);
      if (summary === undefined) throw unknownThread();
      return { ...summary, messages: visible(state).map(toMessageView) };
    },
    replyToThread: async ({ params, body, principal, correlationId, idempotencyKey }) => {
      const { leadId } = await findThread(database, principal.orgId, params.threadId);
      const applied = await applier.apply({
        name: 'ReplyManually',
        id: idempotencyKey === null ? randomId() : derivedId(principal.orgId, 'reply', idempotencyKey),
        key: leadId,
        orgId: principal.orgId,
        correlationId,
        data: { orgId: principal.orgId, leadId, body: body.body },
      });
      return { accepted: true, messageId: applied.state.messages.at(-1)?.id ?? '' };
    },
  };
}

/** A follow-up that waits for its day is nobody's message yet. */
const visible = (state: Conversation): readonly Message[] =>
  state.messages.filter((m) => m.status !== 'QUEUED' || m.stepNumber <= 1).toSorted((a, b) => a.at - b.at);

function summaries(leadId: string, state: Conversation): ThreadSummary[] {
  const messages = visible(state);
  const last = messages.at(-1);
  if (state.thread === null || last === undefined) return [];
  return [
    {
      id: state.thread.id,
      leadId,
      status: state.thread.status,
      channel: state.thread.channel,
      person: { fullName: state.person?.fullName ?? null, email: state.person?.email ?? null },
      messages: messages.length,
      lastMessage: { direction: last.direction, preview: last.body.slice(0, 120), at: iso(last.at) },
      intent: messages.findLast((m) => m.direction === 'IN')?.detail ?? null,
      suppressed: state.suppressed?.reason ?? null,
    },
  ];
}

const toMessageView = (m: Message) => ({
  id: m.id,
  direction: m.direction,
  channel: m.channel,
  status: m.status,
  subject: m.subject,
  body: m.body,
  provider: m.provider,
  code: m.code,
  at: iso(m.at),
});

async function findThread(
  database: Database,
  orgId: string,
  threadId: string,
): Promise<{ leadId: string; state: Conversation }> {
  const leadId = await database.maybeOneFirst(
    sql.type(
      z.object({ key: z.string() }),
    )`select key from conversations where org_id = ${orgId} and thread_id = ${threadId}`,
  );
  const stored = leadId === null ? null : await conversations.loadOf(database, orgId, leadId);
  if (leadId === null || stored === null) throw unknownThread();
  return { leadId, state: stored.state };
}

const unknownThread = (): CodedError => new CodedError('OUT_ERR_UNKNOWN_THREAD', 'there is no such thread');
