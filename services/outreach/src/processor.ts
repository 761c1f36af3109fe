/**
 * Outreach's two processors over one aggregate, the conversation: `outreach` decides whom to write to and hears the
 * answers, `outreach-send` sends. They share the store, so each sees what the other has done.
 */
import { only, topics } from '@lead-flood/contracts';
import type { Person } from '@lead-flood/contracts';
import { apply, skip } from '@lead-flood/kernel';
import type { Queries } from '@lead-flood/postgres';
import type { BatchProcessor, EffectProcessor } from '@lead-flood/processor';
import type { Conversation } from './domain/conversation.ts';
import { initialState, merge } from './domain/conversation.ts';
import type { EnrolmentFacts } from './domain/enrolment.ts';
import { considerLead } from './domain/enrolment.ts';
import type { ReplyManually } from './domain/reply.ts';
import { endContact, hearConsent, receiveReply, replyManually } from './domain/reply.ts';
import type { Fate } from './domain/sending.ts';
import { recordFate } from './domain/sending.ts';
import { readActiveSequences } from './sequence-store.ts';
import type { Sender } from './sender.ts';
import { conversations, readSilence, store } from './store.ts';
import { render } from './template.ts';

const reads = [
  topics['scoring.lead.v1'],
  topics['ingest.reply.v1'],
  only(topics['call-allocation.task.v1'], ['CallTaskCompleted']),
  only(topics['discovery.lead.v1'], ['LeadMerged', 'ConsentRecorded']),
] as const;
const writes = [topics['outreach.send.v1'], topics['outreach.message.v1'], topics['outreach.suppression.v1']] as const;

export type OutreachCommands = { ReplyManually: ReplyManually };

type Input = {
  readonly id: string;
  readonly name: string;
  readonly orgId: string;
  readonly data: {
    readonly orgId: string;
    readonly leadId?: string;
    readonly mergedLeadId?: string;
    readonly person?: Person;
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
    CallTaskCompleted: (state, { data }, ctx) => endContact(state, data, ctx.now),
    ConsentRecorded: (state, { data }, ctx) => hearConsent(state, data, ctx.now),
    LeadMerged: (state, { data }) => apply(merge(state, data.leadId)),
    ReplyManually: (state, { data }, ctx) => replyManually(state, data, ctx.facts, ctx),
  },
};

async function facts(tx: Queries, inputs: readonly Input[]): Promise<readonly EnrolmentFacts[]> {
  const sequences = await readActiveSequences(
    tx,
    inputs.map((input) => input.orgId),
  );
  const answered = await conversations.load(
    tx,
    inputs.flatMap(({ name, data: { leadId } }) => (name === 'ReplyManually' && leadId !== undefined ? [leadId] : [])),
  );
  const asked = inputs.flatMap(({ name, orgId, data: { leadId, person } }) => {
    if (leadId === undefined || (name !== 'LeadScored' && name !== 'ReplyManually')) return [];
    return [{ orgId, leadId, person: person ?? answered.get(leadId)?.state.person ?? null }];
  });
  const silence = await readSilence(tx, asked);
  const silent = new Set(asked.filter((_, n) => silence[n]).map(({ leadId }) => leadId));
  return inputs.map(({ orgId, data }) => ({
    render,
    sequence: sequences.get(orgId) ?? null,
    suppressed: data.leadId !== undefined && silent.has(data.leadId),
  }));
}

const sendReads = [topics['outreach.send.v1']] as const;
const sendWrites = [topics['outreach.message.v1']] as const;

/** Whether the person has asked for silence, under whatever lead and in whatever spelling. */
export type SendFacts = { readonly suppressed: boolean };

export type SendProcessor = EffectProcessor<Conversation, typeof sendReads, typeof sendWrites, Fate, SendFacts>;

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
  perform: { SendMessage: { deadlineMs, call: (state, { data }, step, facts) => send(state, data, step, facts) } },
  facts: async (tx, inputs) =>
    (
      await readSilence(
        tx,
        inputs.map(({ data }) => data),
      )
    ).map((suppressed) => ({ suppressed })),
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
