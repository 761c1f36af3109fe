/** CRUD of qualification rules; every change raises the version of the ICP's rule set, which scores carry. */
import { z } from 'zod';
import type { QualificationRule } from '@lead-flood/contracts';
import { rule } from '@lead-flood/contracts';
import { CodedError } from '@lead-flood/kernel';
import type { Database, Queries } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';

const row = z.object({
  id: z.string(),
  icp_id: z.string(),
  field_key: z.string(),
  operator: z.string(),
  value: z.string(),
  weight: z.number(),
  type: z.string(),
  description: z.string(),
});

const toRule = (r: z.infer<typeof row>): QualificationRule =>
  rule.parse({
    id: r.id,
    icpId: r.icp_id,
    fieldKey: r.field_key,
    operator: r.operator,
    value: JSON.parse(r.value),
    weight: r.weight,
    type: r.type,
    description: r.description,
  });

const columns = sql.fragment`id, icp_id, field_key, operator, value, weight, type, description`;

export type RuleList = { readonly items: QualificationRule[]; readonly version: number };

export async function listRules(database: Queries, orgId: string, icpId: string): Promise<RuleList> {
  const rows = await database.any(
    sql.type(
      row,
    )`select ${columns} from qualification_rules where org_id = ${orgId} and icp_id = ${icpId} order by position`,
  );
  const version = await database.maybeOneFirst(
    sql.type(
      z.object({ version: z.int() }),
    )`select version from rule_sets where org_id = ${orgId} and icp_id = ${icpId}`,
  );
  return { items: rows.map(toRule), version: version ?? 0 };
}

/** Adds or replaces, depending on `replaces`; a rule to replace that is not there is `SCR_ERR_UNKNOWN_RULE`. */
export async function saveRule(
  database: Database,
  orgId: string,
  saved: QualificationRule,
  replaces: boolean,
): Promise<QualificationRule> {
  return database.transaction(async (tx) => {
    // Its row is locked from here on, so that nobody else adds one in between.
    await raiseVersion(tx, orgId, saved.icpId);
    if (!replaces) await refuseTooMany(tx, orgId, saved.icpId);
    const value = JSON.stringify(saved.value);
    const kept = replaces
      ? await tx.maybeOne(sql.type(row)`
          update qualification_rules
          set field_key = ${saved.fieldKey}, operator = ${saved.operator}, value = ${value}, weight = ${saved.weight}, type = ${saved.type}, description = ${saved.description}
          where id = ${saved.id} and org_id = ${orgId} and icp_id = ${saved.icpId}
          returning ${columns}
        `)
      : await tx.one(sql.type(row)`
          insert into qualification_rules (id, org_id, icp_id, field_key, operator, value, weight, type, description)
          values (${saved.id}, ${orgId}, ${saved.icpId}, ${saved.fieldKey}, ${saved.operator}, ${value}, ${saved.weight}, ${saved.type}, ${saved.description})
          returning ${columns}
        `);
    if (kept === null) throw unknownRule(saved.id);
    return toRule(kept);
  });
}

export async function deleteRule(
  database: Database,
  orgId: string,
  at: { icpId: string; ruleId: string },
): Promise<void> {
  await database.transaction(async (tx) => {
    const { rowCount } = await tx.query(
      sql.unsafe`delete from qualification_rules where id = ${at.ruleId} and org_id = ${orgId} and icp_id = ${at.icpId}`,
    );
    if (rowCount === 0) throw unknownRule(at.ruleId);
    await raiseVersion(tx, orgId, at.icpId);
  });
}

/** A score says what every rule gave, so their number bounds the size of each scored lead. */
const RULES_MAX = 200;

async function refuseTooMany(tx: Queries, orgId: string, icpId: string): Promise<void> {
  const count = await tx.oneFirst(
    sql.type(
      z.object({ count: z.int() }),
    )`select count(*) as count from qualification_rules where org_id = ${orgId} and icp_id = ${icpId}`,
  );
  if (count >= RULES_MAX) throw new CodedError('SCR_ERR_TOO_MANY_RULES', `an ICP has at most ${RULES_MAX} rules`);
}

async function raiseVersion(tx: Queries, orgId: string, icpId: string): Promise<void> {
  await tx.query(sql.unsafe`
    insert into rule_sets (org_id, icp_id) values (${orgId}, ${icpId})
    on conflict (org_id, icp_id) do update set version = rule_sets.version + 1
  `);
}

const unknownRule = (id: string): CodedError =>
  new CodedError('SCR_ERR_UNKNOWN_RULE', `there is no rule ${id} for this ICP`);
