/** May this caller use this route? Permissions of the role, then the scopes of an API key. */
import type { Role, Route } from '@lead-flood/contracts';
import { permissionsOf, roles, scopeFor } from '@lead-flood/contracts';
import { CodedError } from '@lead-flood/kernel';
import type { Caller } from '../auth/caller.ts';

const isRole = (text: string): text is Role => (roles as readonly string[]).includes(text);

/** Throws IGW_ERR_ROLE or IGW_ERR_SCOPE. */
export function assertAllowed(route: Pick<Route, 'permission' | 'method'>, { principal, apiKey }: Caller): void {
  if (route.permission === 'public') return;
  if (!isRole(principal.role) || !permissionsOf[principal.role].has(route.permission)) {
    throw new CodedError('IGW_ERR_ROLE', `this needs the permission ${route.permission}`);
  }
  const scope = scopeFor(route.method);
  if (apiKey !== null && !principal.scopes.includes(scope))
    throw new CodedError('IGW_ERR_SCOPE', `the API key lacks the scope ${scope}`);
}
