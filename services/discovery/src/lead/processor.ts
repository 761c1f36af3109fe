/** Discovery's one processor: submissions in, one outcome each out. REST's `CreateLead` passes through the same table. */
import type { LeadSubmitted } from '@lead-flood/contracts';
import { topics } from '@lead-flood/contracts';
import type { BatchProcessor, Placed } from '@lead-flood/processor';
import type { Queries } from '@lead-flood/postgres';
import { isId } from '@lead-flood/kernel';
import type { IcpFilters } from './domain/icp-match.ts';
import type { Facts, Lead } from './domain/lead.ts';
import { createLead, initialState, receiveLead } from './domain/lead.ts';
import type { Submission } from './domain/submission.ts';
import { readIcps } from '../icp/store.ts';
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
  claim,
  decide: {
    LeadSubmitted: (state, { id, data }, ctx) =>
      receiveLead(state, { submissionId: id, data, now: ctx.now }, ctx.facts),
    CreateLead: (state, { id, data }, ctx) => createLead(state, { submissionId: id, data, now: ctx.now }, ctx.facts),
  },
};

/** The source's own id makes a repeat recognisable; without one, the message's id does. */
export function naturalKeyOf(id: string, { source, externalId }: Pick<LeadSubmitted, 'source' | 'externalId'>): string {
  if (externalId === null) return `message/${id}`;
  // A plain key is read up to its first slash: `crm/eu` and `7` must not meet `crm` and `eu/7`, nor a source called
  // `message` a message. Those that could not be mistaken stand in the table as they always did.
  const isPlain = source !== 'message' && !source.includes('/') && !source.startsWith('[');
  return isPlain ? `${source}/${externalId}` : JSON.stringify([source, externalId]);
}

const keyOf = ({ id, data }: Input): string => naturalKeyOf(id, data);

async function claim(tx: Queries, inputs: readonly Input[]): Promise<readonly Placed<Facts>[]> {
  const icps = await readIcps(
    tx,
    inputs.flatMap(({ data }) => (data.icpId !== null && isId(data.icpId) ? [data.icpId] : [])),
  );
  const icpOf = ({ orgId, data }: Input): IcpFilters | null => {
    const found = data.icpId === null ? undefined : icps.get(`${orgId}/${data.icpId}`);
    return found === undefined ? null : { id: found.id, version: found.icp.version, profile: found.icp.profile };
  };
  const submissions = inputs.map((input) => withIcpProblem(normalise(input.data), input.data, icpOf(input) !== null));
  const answered = new Set(
    await answeredSubmissions(
      tx,
      inputs.map((input) => ({ orgId: input.orgId, naturalKey: keyOf(input) })),
    ),
  );
  const repeats = inputs.map((input) => {
    const key = `${input.orgId}/${keyOf(input)}`;
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
        naturalKey: keyOf(input),
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
