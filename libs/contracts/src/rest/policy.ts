/** Who may do what (decision C-02): permissions first, roles as named sets of them, API-key scopes as a second sieve. */

export const permissions = [
  'leads:read',
  'leads:write',
  'leads:delete',
  'leads:export',
  'jobs:read',
  'jobs:write',
  'icps:read',
  'icps:write',
  'rules:write',
  'outreach:read',
  'outreach:write',
  'callers:manage',
  'call-tasks:operate',
  'call-tasks:work',
  'analytics:read',
  'dead-letters:read',
  'admin',
  'self',
] as const;

export type Permission = (typeof permissions)[number];
export const roles = ['admin', 'ops', 'member', 'viewer', 'caller'] as const;
export type Role = (typeof roles)[number];

const reads: readonly Permission[] = [
  'leads:read',
  'jobs:read',
  'icps:read',
  'outreach:read',
  'analytics:read',
  'self',
];
const operations: readonly Permission[] = [
  ...reads,
  'leads:write',
  'leads:export',
  'jobs:write',
  'icps:write',
  'rules:write',
  'outreach:write',
  'callers:manage',
  'call-tasks:operate',
  'dead-letters:read',
];

export const permissionsOf: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  admin: new Set(permissions),
  ops: new Set(operations),
  member: new Set([
    ...reads,
    'leads:write',
    'leads:delete',
    'leads:export',
    'jobs:write',
    'icps:write',
    'rules:write',
    'outreach:write',
  ]),
  viewer: new Set(reads),
  caller: new Set(['call-tasks:work', 'self']),
};

/** What an API key's scopes let through, on top of the role of its owner. */
export const scopes = ['read', 'write', 'delete'] as const;
export type Scope = (typeof scopes)[number];

export function scopeFor(method: string): Scope {
  if (method === 'GET') return 'read';
  return method === 'DELETE' ? 'delete' : 'write';
}
