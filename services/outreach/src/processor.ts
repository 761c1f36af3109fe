/**
 * Outreach's two processors over one aggregate, the conversation: `outreach` decides whom to write to and hears the
 * answers, `outreach-send` sends. They share the store, so each sees what the other has done.
 */
import { only, topics } from '@lead-flood/contracts';
import { apply, skip } from '@lead-flood/kernel';
import type { Queries } from '@lead-flood/postgres';
import type { BatchProcessor, EffectProcessor } from '@lead-flood/processor';
import type { Conversation } from './domain/conversation.ts';
import { initialState, merge } from './domain/conversation.ts';
import type { EnrolmentFacts } from './domain/enrolment.ts';
import { considerLead } from './domain/enrolment.ts';
import type { ReplyManually } from './domain/reply.ts';
import { endContact, receiveReply, replyManually } from './domain/reply.ts';
import type { Fate } from './domain/sending.ts';
import { recordFate } from './domain/sending.ts';
import { readActiveSequences } from './sequence-store.ts';
import type { Sender } from './sender.ts';
import { readSuppressions, store } from './store.ts';
import { render } from './template.ts';

const reads = [
  topics['scoring.lead.v1'],
  topics['ingest.reply.v1'],
  only(topics['call-allocation.task.v1'], ['CallTaskCompleted']),
  only(topics['discovery.lead.v1'], ['LeadMerged']),
] as const;
const writes = [topics['outreach.send.v1'], topics['outreach.message.v1']] as const;

export type OutreachCommands = { ReplyManually: ReplyManually };

type Input = {
  readonly id: string;
  readonly name: string;
  readonly orgId: string;
  readonly data: {
    readonly orgId: string;
    readonly leadId?: string;
    readonly mergedLeadId?: string;
    readonly person?: { readonly email: string | null; readonly phone: string | null };
  };
};

/** Of a merge the losing lead's conversation; what is about no lead keeps to itself. */
const keyOf = ({ id, data }: Input): string => data.mergedLeadId ?? data.leadId ?? id;

export const outreach: BatchProcessor<Conversation, typeof reads, typeof writes, EnrolmentFacts, OutreachCommands> = {
  group: 'outreach',
  reads,
  writes,
  store,
  initial: () => initialState,
  keyOf,
  facts,
  decide: {
    LeadScored: (state, { data }, ctx) => considerLead(state, data, ctx.facts, ctx),
    ReplyReceived: (state, { data }, ctx) => receiveReply(state, data, ctx),
    CallTaskCompleted: (state, { data }) => endContact(state, data),
    LeadMerged: (state, { data }) => apply(merge(state, data.leadId)),
    ReplyManually: (state, { data }, ctx) => replyManually(state, data, ctx),
  },
};

async function facts(tx: Queries, inputs: readonly Input[]): Promise<readonly EnrolmentFacts[]> {
  const sequences = await readActiveSequences(
    tx,
    inputs.map((input) => input.orgId),
  );
  const addresses = ({ orgId, data }: Input) => [
    ...(data.person?.email ? [{ orgId, kind: 'email', value: data.person.email }] : []),
    ...(data.person?.phone ? [{ orgId, kind: 'phone', value: data.person.phone }] : []),
  ];
  const silent = await readSuppressions(tx, inputs.filter(({ name }) => name === 'LeadScored').flatMap(addresses));
  return inputs.map((input) => ({
    render,
    sequence: sequences.get(input.orgId) ?? null,
    suppressed: addresses(input).some((a) => silent.has(`${a.orgId}/${a.kind}/${a.value}`)),
  }));
}

const sendReads = [topics['outreach.send.v1']] as const;
const sendWrites = [topics['outreach.message.v1']] as const;

export type SendProcessor = EffectProcessor<Conversation, typeof sendReads, typeof sendWrites, Fate>;

export const createSendProcessor = (
  send: Sender,
  { inFlightMax, deadlineMs }: { inFlightMax: number; deadlineMs: number },
): SendProcessor => ({
  inFlightMax,
  group: 'outreach-send',
  reads: sendReads,
  writes: sendWrites,
  store,
  initial: () => initialState,
  perform: { SendMessage: { deadlineMs, call: (state, { data }, step) => send(state, data, step) } },
  decide: {
    SendMessage: (state, { data }, ctx, fate) =>
      fate === null ? skip('nothing_sent') : recordFate(state, data, fate, ctx.now),
  },
  onExhausted: {
    SendMessage: (state, { data }, ctx) =>
      recordFate(
        state,
        data,
        { kind: 'failed', provider: null, code: 'OUT_ERR_EXHAUSTED', detail: 'every try failed' },
        ctx.now,
      ),
  },
});
