/** The rules of an ICP: what each command and each news of the ICP makes of them, and that those of before are there still. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sql } from '@lead-flood/postgres';
import { createEarlierDatabase, sampleId, sampleOrg, specify, testNow } from '@lead-flood/testing';
import { readRuleSets } from '../src/lead-score/store.ts';
import type { RuleSet } from '../src/rule-set/domain.ts';
import { initialState, RULES_MAX } from '../src/rule-set/domain.ts';
import { ruleProcessor } from '../src/rule-set/processor.ts';
import { profile, ruleOf } from './inputs.ts';

const orgId = sampleOrg;
const icpId = sampleId('icp');
const known: RuleSet = { icp: 'known', version: 4, rules: [ruleOf(1), ruleOf(2)] };
const rules = specify(ruleProcessor, undefined);

describe('commands', () => {
  it('[SC-03] a rule is added at the end, under the next version, and told with all it tests', () => {
    const rule = ruleOf(3, { operator: 'IN', value: ['a', 'b'] });
    rules
      .given(known)
      .when('AddRule', { orgId, icpId, rule })
      .thenState({ version: 5, rules: [...known.rules, rule] })
      .thenEmits({
        name: 'RuleAdded',
        data: {
          icpId,
          ruleId: rule.id,
          version: 5,
          changedAt: testNow,
          rule: {
            fieldKey: 'companyEmployees',
            operator: 'IN',
            value: '["a","b"]',
            weight: 0.5,
            type: 'WEIGHTED',
            description: 'large',
          },
        },
      });
  });

  it('[SC-03] the same request again adds nothing', () => {
    rules
      .given(known)
      .when('AddRule', { orgId, icpId, rule: ruleOf(2) })
      .thenSkips('known');
  });

  it('[SC-03] one is replaced in its place', () => {
    const rule = ruleOf(1, { weight: 0.9 });
    rules
      .given(known)
      .when('ReplaceRule', { orgId, icpId, rule })
      .thenState({ version: 5, rules: [rule, ruleOf(2)] })
      .thenEmits({ name: 'RuleReplaced', data: { ruleId: rule.id, version: 5 } });
  });

  it('[SC-03] the same again changes nothing, so that scores keep their version', () => {
    rules
      .given(known)
      .when('ReplaceRule', { orgId, icpId, rule: ruleOf(2) })
      .thenSkips('unchanged');
  });

  it('[SC-03] one is removed', () => {
    rules
      .given(known)
      .when('RemoveRule', { orgId, icpId, ruleId: sampleId('rule', 1) })
      .thenState({ version: 5, rules: [ruleOf(2)] })
      .thenEmits({ name: 'RuleRemoved', data: { ruleId: sampleId('rule', 1), version: 5 } });
  });

  it('[SC-03] one that is not there is neither replaced nor removed', () => {
    rules
      .given(known)
      .when('ReplaceRule', { orgId, icpId, rule: ruleOf(9) })
      .thenRejects('SCR_ERR_UNKNOWN_RULE');
    rules
      .given(known)
      .when('RemoveRule', { orgId, icpId, ruleId: sampleId('rule', 9) })
      .thenRejects('SCR_ERR_UNKNOWN_RULE');
  });

  it.each<RuleSet>([initialState, { icp: 'deleted', version: 5, rules: [] }])(
    '[SC-03] an ICP that is not there takes none: $icp',
    (state) => {
      rules
        .given(state)
        .when('AddRule', { orgId, icpId, rule: ruleOf(1) })
        .thenRejects('SCR_ERR_UNKNOWN_ICP');
    },
  );

  it('[SC-03] an ICP has so many and no more, since every scored lead says what each gave', () => {
    const full = { ...known, rules: Array.from({ length: RULES_MAX }, (_, n) => ruleOf(n)) };
    rules
      .given(full)
      .when('AddRule', { orgId, icpId, rule: ruleOf('more') })
      .thenRejects('SCR_ERR_TOO_MANY_RULES');
  });
});

describe('news of the ICP', () => {
  it('makes it known, whichever of them is heard first', () => {
    rules
      .givenInputs()
      .when('IcpUpdated', { orgId, icpId, version: 7, profile, updatedAt: testNow })
      .thenState({ icp: 'known', version: 0, rules: [] });
  });

  it('its rules end with it, and each is told', () => {
    rules
      .given(known)
      .when('IcpDeleted', { orgId, icpId, deletedAt: testNow })
      .thenState({ icp: 'deleted', rules: [] })
      .thenEmits(
        { name: 'RuleRemoved', data: { ruleId: sampleId('rule', 1) } },
        { name: 'RuleRemoved', data: { ruleId: sampleId('rule', 2) } },
      );
  });
});

it('[SC-03] rules of before the commands hold still, in their order; those under a foreign ICP are nobody’s', async () => {
  const migrations = join(import.meta.dirname, '../migrations');
  const test = await createEarlierDatabase({ schema: 'scoring', migrations, before: '000002' });
  const stranger = sampleId('stranger');
  try {
    await test.database.query(sql.unsafe`
      insert into rule_sets (org_id, icp_id, version) values (${orgId}, ${icpId}, 4), (${stranger}, ${icpId}, 1)
    `);
    for (const [org, { id, value }] of [
      [orgId, ruleOf(1)],
      [orgId, ruleOf(2)],
      [stranger, ruleOf(3)],
    ] as const)
      await test.database.query(sql.unsafe`
        insert into qualification_rules (id, org_id, icp_id, field_key, operator, value, weight, type, description)
        values (${id}, ${org}, ${icpId}, 'companyEmployees', 'GTE', ${JSON.stringify(value)}, 0.5, 'WEIGHTED', 'large')
      `);
    await test.upgrade();
    const sets = await readRuleSets(test.database, [icpId]);
    expect(sets.of(orgId, icpId)).toMatchObject({ version: 4, rules: [ruleOf(1), ruleOf(2)] });
    expect(sets.of(stranger, icpId)).toMatchObject({ version: 0 });
  } finally {
    await test.drop();
  }
});
