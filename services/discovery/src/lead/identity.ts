/**
 * Who a batch of submissions is about. The keys of the batch are read in one statement, the inputs walked in order as
 * if they came one by one, and what is new is claimed in one insert. Whoever loses a race to another replica or a REST
 * call rolls back, runs again and then finds the winner.
 *
 *   input 1  email:a            nobody      ─▶ lead X claims email:a
 *   input 2  phone:p            nobody      ─▶ lead Y claims phone:p
 *   input 3  email:a, phone:p   X and Y     ─▶ X (the older claim) stays; Y's keys move to X; LeadMerged
 */
import { z } from 'zod';
import { derivedId, TransientError } from '@lead-flood/kernel';
import type { Queries } from '@lead-flood/postgres';
import { sql, texts } from '@lead-flood/postgres';
import type { IdentityKey } from './domain/submission.ts';

export type IdentityInput = {
  readonly inputId: string;
  readonly orgId: string;
  readonly keys: readonly IdentityKey[];
  /** A REST call that finds the person known is refused, so it must leave nothing behind. */
  readonly claimsOnlyWhenNew: boolean;
};

export type Identity = { readonly leadId: string; readonly merged: readonly string[] };

type Claim = { leadId: string; readonly age: number };

const row = z.object({ org_id: z.string(), kind: z.string(), value: z.string(), lead_id: z.string(), age: z.int() });

const textOf = (orgId: string, key: { kind: string; value: string }): string => `${orgId}/${key.kind}/${key.value}`;

export async function resolveIdentities(tx: Queries, inputs: readonly IdentityInput[]): Promise<readonly Identity[]> {
  const claims = await readClaims(tx, inputs);
  const claimed: { orgId: string; key: IdentityKey; claim: Claim }[] = [];
  const moved = new Map<string, string>();
  const identities = inputs.map((input, order): Identity => {
    const found = input.keys.map((key) => claims.get(textOf(input.orgId, key))).filter((claim) => claim !== undefined);
    const [oldest, ...others] = [
      ...new Map(found.toSorted((a, b) => a.age - b.age).map((claim) => [claim.leadId, claim])).values(),
    ];
    const leadId = oldest?.leadId ?? derivedId(input.inputId, 'lead');
    if (input.claimsOnlyWhenNew && oldest !== undefined) return { leadId, merged: [] };
    const merged = others.map((claim) => claim.leadId);
    for (const other of merged) {
      moved.set(other, leadId);
      for (const claim of claims.values()) if (claim.leadId === other) claim.leadId = leadId;
    }
    for (const key of input.keys) {
      const text = textOf(input.orgId, key);
      if (claims.has(text)) continue;
      // Later than every stored claim, in the order of the batch.
      const claim: Claim = { leadId, age: Number.MAX_SAFE_INTEGER - inputs.length + order };
      claims.set(text, claim);
      claimed.push({ orgId: input.orgId, key, claim });
    }
    return { leadId, merged };
  });
  await insertClaims(tx, claimed);
  await moveClaims(tx, moved);
  return identities;
}

/** `limit 1` in the lateral keeps it at one index look-up a key: a plain join reads the whole table once it has grown. */
async function readClaims(tx: Queries, inputs: readonly IdentityInput[]): Promise<Map<string, Claim>> {
  const keys = inputs.flatMap((input) => input.keys.map((key) => ({ orgId: input.orgId, ...key })));
  if (keys.length === 0) return new Map();
  const rows = await tx.any(sql.type(row)`
    select wanted.org_id, wanted.kind, wanted.value, claim.lead_id, claim.age
    from unnest(
      ${texts(keys.map((k) => k.orgId))}::uuid[],
      ${texts(keys.map((k) => k.kind))}::text[],
      ${texts(keys.map((k) => k.value))}::text[]
    ) as wanted(org_id, kind, value)
    cross join lateral (
      select lead_id, age from identity_keys i
      where i.org_id = wanted.org_id and i.kind = wanted.kind and i.value = wanted.value
      limit 1
    ) claim
  `);
  return new Map(rows.map((r) => [textOf(r.org_id, r), { leadId: r.lead_id, age: r.age }]));
}

async function insertClaims(
  tx: Queries,
  claimed: readonly { orgId: string; key: IdentityKey; claim: Claim }[],
): Promise<void> {
  if (claimed.length === 0) return;
  const { rowCount } = await tx.query(sql.unsafe`
    insert into identity_keys (org_id, kind, value, lead_id)
    select org_id, kind, value, lead_id from unnest(
      ${texts(claimed.map((c) => c.orgId))}::uuid[],
      ${texts(claimed.map((c) => c.key.kind))}::text[],
      ${texts(claimed.map((c) => c.key.value))}::text[],
      ${texts(claimed.map((c) => c.claim.leadId))}::uuid[]
    ) with ordinality as c(org_id, kind, value, lead_id, n)
    order by n
    on conflict do nothing
  `);
  if (rowCount !== claimed.length)
    throw new TransientError(
      'PGS_ERR_CONFLICT',
      `${claimed.length - rowCount} identity keys were claimed by somebody else meanwhile`,
    );
}

async function moveClaims(tx: Queries, moved: ReadonlyMap<string, string>): Promise<void> {
  if (moved.size === 0) return;
  const survivor = (leadId: string): string => {
    const next = moved.get(leadId);
    return next === undefined ? leadId : survivor(next);
  };
  const from = [...moved.keys()];
  await tx.query(sql.unsafe`
    update identity_keys i set lead_id = m.survivor
    from unnest(${texts(from)}::uuid[], ${texts(from.map(survivor))}::uuid[]) as m(lead_id, survivor)
    where i.lead_id = m.lead_id
  `);
}
