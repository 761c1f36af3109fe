/** An ideal customer profile: whom the organisation looks for. Replaced as a whole, under a version that leads are matched with. */
import type { IcpCreated, IcpDeleted, IcpProfile, IcpUpdated } from '@lead-flood/contracts';
import type { Decision, Reject } from '@lead-flood/kernel';
import { apply, reject, skip } from '@lead-flood/kernel';

export type KnownIcp = {
  readonly kind: 'icp';
  readonly version: number;
  readonly profile: IcpProfile;
  readonly createdAt: number;
  readonly updatedAt: number;
};

export type Icp = { readonly kind: 'none' } | { readonly kind: 'deleted' } | KnownIcp;

export const initialState: Icp = { kind: 'none' };

type AtIcp = { readonly orgId: string; readonly icpId: string };
export type CreateIcp = AtIcp & { readonly profile: IcpProfile };
export type UpdateIcp = AtIcp & { readonly profile: IcpProfile };
export type DeleteIcp = AtIcp;

export type Emitted =
  | { readonly name: 'IcpCreated'; readonly data: IcpCreated }
  | { readonly name: 'IcpUpdated'; readonly data: IcpUpdated }
  | { readonly name: 'IcpDeleted'; readonly data: IcpDeleted };

export function create(state: Icp, { orgId, icpId, profile }: CreateIcp, now: number): Decision<Icp, Emitted> {
  // The same request again, by its idempotency key: what it created is the answer.
  if (state.kind === 'icp') return skip('known');
  if (state.kind === 'deleted') return unknown(icpId);
  const version = 1;
  return apply<Icp, Emitted>({ kind: 'icp', version, profile, createdAt: now, updatedAt: now }, [
    { name: 'IcpCreated', data: { orgId, icpId, version, profile, createdAt: now } },
  ]);
}

export function update(state: Icp, { orgId, icpId, profile }: UpdateIcp, now: number): Decision<Icp, Emitted> {
  if (state.kind !== 'icp') return unknown(icpId);
  // A client that has not heard the answer asks again.
  if (isSame(state.profile, profile)) return skip('unchanged');
  const version = state.version + 1;
  return apply<Icp, Emitted>({ ...state, version, profile, updatedAt: now }, [
    { name: 'IcpUpdated', data: { orgId, icpId, version, profile, updatedAt: now } },
  ]);
}

export function remove(state: Icp, { orgId, icpId }: DeleteIcp, now: number): Decision<Icp, Emitted> {
  if (state.kind !== 'icp') return unknown(icpId);
  return apply<Icp, Emitted>({ kind: 'deleted' }, [{ name: 'IcpDeleted', data: { orgId, icpId, deletedAt: now } }]);
}

const isSame = (a: IcpProfile, b: IcpProfile): boolean => JSON.stringify(listed(a)) === JSON.stringify(listed(b));

const listed = (profile: IcpProfile): readonly unknown[] => [
  profile.name,
  profile.targetIndustries,
  profile.targetCountries,
  profile.minCompanySize,
  profile.maxCompanySize,
  profile.requiredTechnologies,
];

const unknown = (icpId: string): Reject => reject('DSC_ERR_UNKNOWN_ICP', `there is no ICP ${icpId}`);
