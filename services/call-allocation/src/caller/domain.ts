/** A caller: who calls, in which languages and regions, and whether they are given tasks. */
import type { CallerBody, CallerChange, CallerCreated, CallerUpdated } from '@lead-flood/contracts';
import type { Decision, Reject } from '@lead-flood/kernel';
import { apply, reject, skip } from '@lead-flood/kernel';

export type KnownCaller = Required<Omit<CallerBody, 'userId'>> & {
  readonly kind: 'caller';
  readonly userId: string | null;
  readonly allocationStatus: string;
  readonly createdAt: number;
  readonly updatedAt: number;
};

export type Caller = { readonly kind: 'none' } | KnownCaller;

export const initialState: Caller = { kind: 'none' };

/** Another caller of the organisation has the address or the account that this command would give. */
export type Facts = { readonly taken: boolean };

type AtCaller = { readonly orgId: string; readonly callerId: string };
export type CreateCaller = AtCaller & { readonly caller: CallerBody };
export type ChangeCaller = AtCaller & { readonly change: CallerChange };

export type Emitted =
  | { readonly name: 'CallerCreated'; readonly data: CallerCreated }
  | { readonly name: 'CallerUpdated'; readonly data: CallerUpdated };

/** Whom an administrator or the caller may set and lift; anything else stands until whoever set it lifts it. */
const settable: ReadonlySet<string> = new Set(['ACTIVE', 'PAUSED']);

export function create(
  state: Caller,
  { orgId, callerId, caller }: CreateCaller,
  { taken }: Facts,
  now: number,
): Decision<Caller, Emitted> {
  // The same request again, by its idempotency key: what it created is the answer.
  if (state.kind === 'caller') return skip('known');
  if (taken) return exists();
  const created: KnownCaller = {
    kind: 'caller',
    ...caller,
    userId: caller.userId ?? null,
    allocationStatus: 'ACTIVE',
    createdAt: now,
    updatedAt: now,
  };
  return apply<Caller, Emitted>(created, [
    { name: 'CallerCreated', data: { ...told(orgId, callerId, created), createdAt: now } },
  ]);
}

export function change(
  state: Caller,
  { orgId, callerId, change: changes }: ChangeCaller,
  { taken }: Facts,
  now: number,
): Decision<Caller, Emitted> {
  if (state.kind !== 'caller') return reject('CAL_ERR_UNKNOWN_CALLER', 'there is no such caller');
  if (taken) return exists();
  if (changes.allocationStatus !== undefined && !settable.has(state.allocationStatus))
    return reject('CAL_ERR_CALLER_RESTRICTED', `a caller who is ${state.allocationStatus} is not set otherwise here`);
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  const changed: KnownCaller = { ...state, ...given, updatedAt: now };
  return apply<Caller, Emitted>(changed, [
    { name: 'CallerUpdated', data: { ...told(orgId, callerId, changed), updatedAt: now } },
  ]);
}

const exists = (): Reject => reject('CAL_ERR_CALLER_EXISTS', 'another caller has this e-mail address or user');

const told = (orgId: string, callerId: string, caller: KnownCaller): Omit<CallerCreated, 'createdAt'> => ({
  orgId,
  callerId,
  person: {
    firstName: null,
    lastName: null,
    fullName: caller.name,
    email: caller.email,
    phone: null,
    linkedinUrl: null,
    title: null,
  },
  userId: caller.userId,
  timezone: caller.timezone,
  languageCodes: caller.languageCodes,
  regionIsoCodes: caller.regionIsoCodes,
  allocationStatus: caller.allocationStatus,
});
