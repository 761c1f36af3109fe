/** Callers: what each command makes of each state; of the database, whose address is taken. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '@lead-flood/kernel';
import { createApplier, silentTelemetry } from '@lead-flood/processor';
import type { TestDatabase } from '@lead-flood/testing';
import { createTestDatabase, sampleId, sampleOrg, specify, testCodec, testNow } from '@lead-flood/testing';
import type { Caller, KnownCaller } from '../src/caller/domain.ts';
import { callerHandlers } from '../src/caller/http.ts';
import { callerProcessor } from '../src/caller/processor.ts';

const orgId = sampleOrg;
const callerId = sampleId('caller');
const body = {
  email: 'ana@demo.lead-flood.example',
  name: 'Ana',
  timezone: 'Europe/Stockholm',
  languageCodes: ['sv'],
  regionIsoCodes: ['SE'],
  metadata: {},
};
const known: KnownCaller = {
  kind: 'caller',
  ...body,
  userId: null,
  allocationStatus: 'ACTIVE',
  createdAt: 1,
  updatedAt: 1,
};
const caller = (taken = false) => specify(callerProcessor, { taken });

describe('commands', () => {
  it('[CA-01] a new caller is told, their name and address in the person alone', () => {
    caller()
      .given({ kind: 'none' })
      .when('CreateCaller', { orgId, callerId, caller: body })
      .thenState({ kind: 'caller', allocationStatus: 'ACTIVE', createdAt: testNow })
      .thenEmits({
        name: 'CallerCreated',
        data: { callerId, languageCodes: ['sv'], allocationStatus: 'ACTIVE', createdAt: testNow },
      });
  });

  it('[CA-01] the same request again creates nobody', () => {
    caller().given(known).when('CreateCaller', { orgId, callerId, caller: body }).thenSkips('known');
  });

  it('[CA-01] an address or an account that another caller has is refused, new or changed', () => {
    const taken = caller(true);
    taken
      .given({ kind: 'none' })
      .when('CreateCaller', { orgId, callerId, caller: body })
      .thenRejects('CAL_ERR_CALLER_EXISTS');
    taken
      .given(known)
      .when('ChangeCaller', { orgId, callerId, change: { email: body.email } })
      .thenRejects('CAL_ERR_CALLER_EXISTS');
  });

  it('[CA-02] a change touches what it names, and is told as a whole', () => {
    caller()
      .given(known)
      .when('ChangeCaller', { orgId, callerId, change: { languageCodes: ['en'], allocationStatus: 'PAUSED' } })
      .thenState({ ...known, languageCodes: ['en'], allocationStatus: 'PAUSED', updatedAt: testNow })
      .thenEmits({
        name: 'CallerUpdated',
        data: { callerId, languageCodes: ['en'], regionIsoCodes: ['SE'], allocationStatus: 'PAUSED' },
      });
  });

  it('[CA-02] whoever is restricted for fraud is not set active by a change, and everything else may change', () => {
    const restricted: Caller = { ...known, allocationStatus: 'RESTRICTED_FRAUD' };
    caller()
      .given(restricted)
      .when('ChangeCaller', { orgId, callerId, change: { allocationStatus: 'ACTIVE' } })
      .thenRejects('CAL_ERR_CALLER_RESTRICTED');
    caller()
      .given(restricted)
      .when('ChangeCaller', { orgId, callerId, change: { name: 'Ana B.' } })
      .thenState({ name: 'Ana B.', allocationStatus: 'RESTRICTED_FRAUD' });
  });

  it('[CA-02] a caller who is not there is not changed', () => {
    caller()
      .given({ kind: 'none' })
      .when('ChangeCaller', { orgId, callerId, change: { name: 'B' } })
      .thenRejects('CAL_ERR_UNKNOWN_CALLER');
  });
});

describe('addresses', () => {
  let test: TestDatabase;
  let handlers: ReturnType<typeof callerHandlers>;
  beforeAll(async () => {
    test = await createTestDatabase({
      schema: 'call_allocation',
      migrations: join(import.meta.dirname, '../migrations'),
    });
    const { database } = test;
    const codec = await testCodec();
    const deps = { database, codec, clock: systemClock, wakeRelay: () => undefined, telemetry: silentTelemetry };
    handlers = callerHandlers({ database, applier: createApplier(callerProcessor, deps) });
  });
  afterAll(() => test.drop());

  const request = (more: object, org: string) => ({
    params: {},
    query: {},
    body: { ...body, ...more },
    principal: { userId: '', orgId: org, role: 'admin', scopes: [] },
    requestId: 'r',
    correlationId: 'c',
    idempotencyKey: null,
  });

  it('[CA-01] of many requests in one moment one has the address; other organisations have their own', async () => {
    const all = await Promise.allSettled([
      ...Array.from({ length: 5 }, () => handlers.createCaller(request({}, orgId))),
      handlers.createCaller(request({}, sampleId('another-organisation'))),
    ]);
    const refused = all.flatMap((one) => (one.status === 'rejected' ? [(one.reason as { code: string }).code] : []));
    expect(refused).toEqual(Array.from({ length: 4 }, () => 'CAL_ERR_CALLER_EXISTS'));
    const { items } = await handlers.listCallers({ ...request({}, orgId), body: undefined, query: { limit: 10 } });
    expect(items).toMatchObject([body]);
  });
});
