/** Outreach's tables: conversations, and beside them attempts, suppressions and the cooldown log. */
import { z } from 'zod';
import type { Person } from '@lead-flood/contracts';
import { addressKeysOf } from '@lead-flood/kernel';
import type { Queries, Saved } from '@lead-flood/postgres';
import { createDocumentStore, numbers, sql, texts } from '@lead-flood/postgres';
import type { Store } from '@lead-flood/processor';
import type { Conversation, Message } from './domain/conversation.ts';

const text = z.string().nullable();

const conversation: z.ZodType<Conversation> = z.object({
  person: z
    .object({
      firstName: text,
      lastName: text,
      fullName: text,
      email: text,
      phone: text,
      linkedinUrl: text,
      title: text,
    })
    .nullable(),
  enrollment: z
    .object({ id: z.string(), sequenceId: z.string(), status: z.enum(['ACTIVE', 'STOPPED']), stoppedBy: text })
    .nullable(),
  thread: z.object({ id: z.string(), status: z.enum(['OPEN', 'CLOSED', 'ARCHIVED']), channel: z.string() }).nullable(),
  messages: z.array(
    z.object({
      id: z.string(),
      direction: z.enum(['OUT', 'IN']),
      channel: z.string(),
      stepNumber: z.int(),
      status: z.enum(['QUEUED', 'SENT', 'FAILED', 'UNKNOWN', 'SUPPRESSED', 'RECEIVED']),
      subject: text,
      body: z.string(),
      provider: text,
      providerMessageId: text,
      code: text,
      detail: text,
      at: z.number(),
    }),
  ),
  suppressed: z.object({ reason: z.string() }).nullable(),
  // Rows from before merges were heard of have none.
  mergedInto: text.default(null),
  firstTouchAt: z.number().nullable(),
  cooldown: z.object({ id: z.string(), kind: z.enum(['ENFORCED', 'OVERRIDDEN']) }).nullable(),
});

const iso = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());

/** A queued follow-up lies in the future and is no message yet. */
const lastMessageAt = (state: Conversation): string | null =>
  iso(state.messages.findLast((m) => m.status !== 'QUEUED' || m.stepNumber <= 1)?.at);

export const conversations = createDocumentStore<Conversation>({
  table: 'conversations',
  state: conversation,
  columns: [
    { name: 'thread_id', type: 'uuid', of: (state) => state.thread?.id ?? null },
    { name: 'thread_status', type: 'text', of: (state) => state.thread?.status ?? null },
    { name: 'last_message_at', type: 'timestamptz', of: lastMessageAt },
    { name: 'replied', type: 'bool', of: (state) => state.messages.some((message) => message.direction === 'IN') },
  ],
});

export const store: Store<Conversation> = {
  load: conversations.load,
  async save(tx, rows) {
    await conversations.save(tx, rows);
    await insertAttempts(tx, rows);
    await insertSuppressions(tx, rows);
    await insertCooldowns(tx, rows);
  },
};

const OUTCOMES = new Set<Message['status']>(['SENT', 'FAILED', 'UNKNOWN', 'SUPPRESSED']);

async function insertAttempts(tx: Queries, rows: readonly Saved<Conversation>[]): Promise<void> {
  const attempts = rows.flatMap(({ key, orgId, state }) =>
    state.messages
      .filter((message) => OUTCOMES.has(message.status))
      .map((message) => ({ leadId: key, orgId, ...message })),
  );
  if (attempts.length === 0) return;
  await tx.query(sql.unsafe`
    insert into delivery_attempts (message_id, lead_id, org_id, channel, provider, outcome, code, detail)
    select * from unnest(
      ${texts(attempts.map((a) => a.id))}::uuid[],
      ${texts(attempts.map((a) => a.leadId))}::uuid[],
      ${texts(attempts.map((a) => a.orgId))}::uuid[],
      ${texts(attempts.map((a) => a.channel))}::text[],
      ${texts(attempts.map((a) => a.provider))}::text[],
      ${texts(attempts.map((a) => a.status))}::text[],
      ${texts(attempts.map((a) => a.code))}::text[],
      ${texts(attempts.map((a) => a.detail))}::text[]
    )
    on conflict do nothing
  `);
}

async function insertSuppressions(tx: Queries, rows: readonly Saved<Conversation>[]): Promise<void> {
  const wanted = rows.flatMap(({ key, orgId, state: { suppressed, person } }) => {
    if (suppressed === null) return [];
    return [{ kind: 'lead', value: key }, ...addressKeysOf(person)].map((entry) => ({
      orgId,
      reason: suppressed.reason,
      ...entry,
    }));
  });
  if (wanted.length === 0) return;
  await tx.query(sql.unsafe`
    insert into suppressions (org_id, kind, value, reason)
    select * from unnest(
      ${texts(wanted.map((w) => w.orgId))}::uuid[],
      ${texts(wanted.map((w) => w.kind))}::text[],
      ${texts(wanted.map((w) => w.value))}::text[],
      ${texts(wanted.map((w) => w.reason))}::text[]
    )
    on conflict do nothing
  `);
}

async function insertCooldowns(tx: Queries, rows: readonly Saved<Conversation>[]): Promise<void> {
  const entries = rows.flatMap(({ key, orgId, passed }) =>
    passed.flatMap(({ cooldown }) => (cooldown === null ? [] : [{ leadId: key, orgId, ...cooldown }])),
  );
  if (entries.length === 0) return;
  await tx.query(sql.unsafe`
    insert into cooldown_log (id, lead_id, org_id, kind)
    select * from unnest(
      ${texts(entries.map((e) => e.id))}::uuid[],
      ${texts(entries.map((e) => e.leadId))}::uuid[],
      ${texts(entries.map((e) => e.orgId))}::uuid[],
      ${texts(entries.map((e) => e.kind))}::text[]
    )
    on conflict do nothing
  `);
}

export type Asked = { readonly orgId: string; readonly leadId: string; readonly person: Person | null };

/** Which of these people asked for silence, under this lead or any other with one of their addresses; in the order asked. */
export async function readSilence(tx: Queries, asked: readonly Asked[]): Promise<readonly boolean[]> {
  const wanted = asked.flatMap(({ orgId, leadId, person }, n) =>
    [{ kind: 'lead', value: leadId }, ...addressKeysOf(person)].map((key) => ({ n, orgId, ...key })),
  );
  if (wanted.length === 0) return [];
  const silent = await tx.anyFirst(sql.type(z.object({ n: z.int() }))`
    select distinct wanted.n
    from unnest(
      ${numbers(wanted.map((w) => w.n))}::int[],
      ${texts(wanted.map((w) => w.orgId))}::uuid[],
      ${texts(wanted.map((w) => w.kind))}::text[],
      ${texts(wanted.map((w) => w.value))}::text[]
    ) as wanted(n, org_id, kind, value)
    cross join lateral (
      select from suppressions s where s.org_id = wanted.org_id and s.kind = wanted.kind and s.value = wanted.value limit 1
    ) silent
  `);
  const found = new Set(silent);
  return asked.map((_, n) => found.has(n));
}
