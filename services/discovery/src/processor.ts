/** Discovery's one processor: submissions in, one outcome each out. REST's `CreateLead` passes through the same table. */
import type { LeadSubmitted } from '@lead-flood/contracts';
import { topics } from '@lead-flood/contracts';
import type { BatchProcessor, Prepared } from '@lead-flood/processor';
import type { Queries } from '@lead-flood/postgres';
import { isId } from '@lead-flood/kernel';
import type { Facts, Lead } from './domain/lead.ts';
import { createLead, initialState, receiveLead } from './domain/lead.ts';
import type { Submission } from './domain/submission.ts';
import { readIcpFilters } from './icp-store.ts';
import { resolveIdentities } from './identity.ts';
import { normalise } from './normalisation.ts';
import { answeredSubmissions, store } from './store.ts';

const reads = [topics['ingest.lead.v1']] as const;
const writes = [topics['discovery.lead.v1']] as const;

export type DiscoveryCommands = { CreateLead: LeadSubmitted };

type Input = { readonly id: string; readonly name: string; readonly orgId: string; readonly data: LeadSubmitted };

export const discovery: BatchProcessor<Lead, typeof reads, typeof writes, Facts, DiscoveryCommands> = {
  group: 'discovery',
  reads,
  writes,
  store,
  initial: () => initialState,
  prepare,
  decide: {
    LeadSubmitted: (state, { id, data }, ctx) =>
      receiveLead(state, { submissionId: id, data, now: ctx.now }, ctx.facts),
    CreateLead: (state, { id, data }, ctx) => createLead(state, { submissionId: id, data, now: ctx.now }, ctx.facts),
  },
};

/** The source's own id makes a repeat recognisable; without one, the message's id does. */
const naturalKeyOf = ({ id, data }: Input): string =>
  data.externalId === null ? `message/${id}` : `${data.source}/${data.externalId}`;

async function prepare(tx: Queries, inputs: readonly Input[]): Promise<readonly Prepared<Facts>[]> {
  const icps = await readIcpFilters(
    tx,
    inputs.flatMap(({ data }) => (data.icpId !== null && isId(data.icpId) ? [data.icpId] : [])),
  );
  const icpOf = ({ orgId, data }: Input) => (data.icpId === null ? null : (icps.get(`${orgId}/${data.icpId}`) ?? null));
  const submissions = inputs.map((input) => withIcpProblem(normalise(input.data), input.data, icpOf(input) !== null));
  const answered = new Set(
    await answeredSubmissions(
      tx,
      inputs.map((input) => ({ orgId: input.orgId, naturalKey: naturalKeyOf(input) })),
    ),
  );
  const repeats = inputs.map((input) => {
    const key = `${input.orgId}/${naturalKeyOf(input)}`;
    const repeat = answered.has(key);
    answered.add(key);
    return repeat;
  });
  const identities = await resolveIdentities(
    tx,
    inputs.map((input, i) => ({
      inputId: input.id,
      orgId: input.orgId,
      keys: repeats[i] === true || (submissions[i]?.problems.length ?? 0) > 0 ? [] : (submissions[i]?.keys ?? []),
      claimsOnlyWhenNew: input.name === 'CreateLead',
    })),
  );
  return inputs.map((input, i) => {
    const submission = submissions[i] ?? normalise(input.data);
    const identity = identities[i] ?? { leadId: input.id, merged: [] };
    // A refused submission has no lead; its own id keeps it apart from every state.
    const leadId = submission.problems.length > 0 ? input.id : identity.leadId;
    return {
      key: leadId,
      facts: {
        leadId,
        submission,
        naturalKey: naturalKeyOf(input),
        repeat: repeats[i] ?? false,
        merged: identity.merged,
        icp: icpOf(input),
      },
    };
  });
}

function withIcpProblem(submission: Submission, data: LeadSubmitted, found: boolean): Submission {
  if (data.icpId === null || found) return submission;
  return {
    ...submission,
    problems: [
      ...submission.problems,
      { code: 'unknown_icp', field: 'icpId', detail: 'is no ICP of the organisation' },
    ],
  };
}
