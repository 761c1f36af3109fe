/** `/v1/icps`: each write is a command, so it is decided, stored and published like every other fact. */
import type { Handlers, icpRoutes, IcpView } from '@lead-flood/contracts';
import { CodedError, derivedId, randomId } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import type { Applier } from '@lead-flood/processor';
import type { Icp } from './domain.ts';
import type { IcpCommands } from './processor.ts';
import { icps, listIcps } from './store.ts';

export type IcpDeps = { readonly database: Database; readonly applier: Applier<Icp, IcpCommands> };

export function icpHandlers({ database, applier }: IcpDeps): Handlers<typeof icpRoutes> {
  return {
    listIcps: async ({ principal }) => {
      const rows = await listIcps(database, principal.orgId);
      return rows.map(({ id, icp }) => toView(id, icp));
    },
    getIcp: async ({ params: { icpId }, principal }) => {
      const stored = await icps.loadOf(database, principal.orgId, icpId);
      return toView(icpId, stored?.state);
    },
    createIcp: async ({ body: profile, principal: { orgId }, correlationId, idempotencyKey }) => {
      const icpId = idempotencyKey === null ? randomId() : derivedId(orgId, 'icp', idempotencyKey);
      const data = { orgId, icpId, profile };
      const { state } = await applier.apply({ name: 'CreateIcp', key: icpId, orgId, correlationId, data });
      return toView(icpId, state);
    },
    updateIcp: async ({ params: { icpId }, body: profile, principal: { orgId }, correlationId }) => {
      const data = { orgId, icpId, profile };
      const { state } = await applier.apply({ name: 'UpdateIcp', key: icpId, orgId, correlationId, data });
      return toView(icpId, state);
    },
    deleteIcp: async ({ params: { icpId }, principal: { orgId }, correlationId }) => {
      await applier.apply({ name: 'DeleteIcp', key: icpId, orgId, correlationId, data: { orgId, icpId } });
      return { success: true };
    },
  };
}

function toView(id: string, icp: Icp | undefined): IcpView {
  if (icp?.kind !== 'icp') throw new CodedError('DSC_ERR_UNKNOWN_ICP', `there is no ICP ${id}`);
  const { version, profile, createdAt, updatedAt } = icp;
  return {
    id,
    version,
    ...profile,
    targetIndustries: [...profile.targetIndustries],
    targetCountries: [...profile.targetCountries],
    requiredTechnologies: [...profile.requiredTechnologies],
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  };
}
