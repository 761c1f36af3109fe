/** `POST /v1/leads`, and what the gateway asks while the read model lags. */
import type { CreateLead, freshLeadRoutes, Handlers, newLeadRoutes, LeadSubmitted } from '@lead-flood/contracts';
import { CodedError, derivedId, randomId } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import type { Applier } from '@lead-flood/processor';
import type { Known, Lead } from './domain/lead.ts';
import { jobIdOf } from './domain/lead.ts';
import type { DiscoveryCommands } from './processor.ts';
import { freshJobView, freshLeadView } from './lead-view.ts';
import { leadOfJob, leads } from './store.ts';

export type LeadDeps = {
  readonly applier: Applier<Lead, DiscoveryCommands>;
  readonly now: () => number;
};

export function newLeadHandlers({ applier, now }: LeadDeps): Handlers<typeof newLeadRoutes> {
  return {
    createLead: async ({ body, principal, correlationId, idempotencyKey }) => {
      const id = idempotencyKey === null ? randomId() : derivedId(principal.orgId, 'lead', idempotencyKey);
      const applied = await applier.apply({
        name: 'CreateLead',
        id,
        key: id,
        orgId: principal.orgId,
        correlationId,
        data: toSubmitted(body, principal.orgId, now()),
      });
      return { leadId: applied.key, jobId: jobIdOf(applied.key) };
    },
  };
}

export function freshLeadHandlers(database: Database): Handlers<typeof freshLeadRoutes> {
  return {
    freshLead: async ({ params, principal }) =>
      freshLeadView(params.leadId, await readLead(database, principal.orgId, params.leadId)),
    freshJob: async ({ params, principal }) => {
      const leadId = await leadOfJob(database, params.jobId);
      if (leadId === null) throw unknownLead();
      return freshJobView(params.jobId, leadId, await readLead(database, principal.orgId, leadId));
    },
  };
}

async function readLead(database: Database, orgId: string, leadId: string): Promise<Known> {
  const stored = await leads.loadOf(database, orgId, leadId);
  if (stored?.state.kind !== 'known') throw unknownLead();
  return stored.state;
}

const unknownLead = (): CodedError => new CodedError('DSC_ERR_UNKNOWN_LEAD', 'there is no such lead');

function toSubmitted(body: CreateLead, orgId: string, submittedAt: number): LeadSubmitted {
  return {
    orgId,
    source: body.source,
    externalId: body.externalId ?? null,
    submittedAt,
    person: {
      firstName: body.firstName ?? null,
      lastName: body.lastName ?? null,
      fullName: body.fullName ?? null,
      email: body.email ?? null,
      phone: body.phone ?? null,
      linkedinUrl: body.linkedinUrl ?? null,
      title: body.title ?? null,
    },
    company: {
      name: body.company ?? null,
      domain: body.domain ?? null,
      countryIso: body.countryIso ?? null,
      employees: body.employees ?? null,
      industry: body.industry ?? null,
    },
    icpId: body.icpId ?? null,
    projectId: body.projectId ?? null,
    consent: body.consent === undefined ? null : { basis: body.consent.basis ?? null, note: body.consent.note ?? null },
    attributes: body.customFields,
    jobId: null,
  };
}
