/** The doctor's judgement: one situation a test, and which of several is named first. */
import { describe, expect, it } from 'vitest';
import type { Facts, GroupFacts, PartitionFacts, SchemaFacts, ServiceStatus } from '@lead-flood/service';
import { diagnose } from '@lead-flood/service';

const at = '2026-03-01T12:00:00.000Z';

const status = (overrides: Partial<ServiceStatus> = {}): ServiceStatus => ({
  service: 'scoring',
  schema: 'scoring',
  startedAt: at,
  ready: true,
  waitingFor: null,
  checks: { start: 'ok', db: 'ok', consumers: 'ok' },
  processors: [{ group: 'scoring', topics: [], lastSeenAt: at, halted: null, inFlight: 0, faults: [] }],
  relay: { publishedAt: null, faults: [] },
  breakers: {},
  ...overrides,
});

const schema = (overrides: Partial<SchemaFacts> = {}): SchemaFacts => ({
  schema: 'scoring',
  outbox: { backlog: 0, oldestSeconds: 0, heldBack: 0 },
  relay: { application: 'scoring', pid: 7, state: 'idle', ageSeconds: 0 },
  timers: { overdue: 0, oldestSeconds: 0 },
  redeliveries: {},
  ticks: [],
  parked: [],
  ...overrides,
});

const group = (overrides: Partial<GroupFacts> = {}): GroupFacts => ({
  group: 'scoring',
  schema: 'scoring',
  members: 1,
  behind: [],
  ...overrides,
});

const behind = (overrides: Partial<PartitionFacts> = {}): PartitionFacts => ({
  topic: 'enrichment.lead.v1',
  partition: 3,
  nextOffset: 40,
  end: 52,
  lag: 12,
  lagBefore: 12,
  moved: false,
  oldest: { key: 'lead-1', ageSeconds: 90 },
  ...overrides,
});

const facts = (overrides: Partial<Facts> = {}): Facts => ({
  at,
  servers: [
    { name: 'postgres', address: 'db:5432', state: 'ok', detail: '' },
    { name: 'kafka', address: 'broker:9092', state: 'ok', detail: '' },
  ],
  services: [{ service: 'scoring', status: status(), detail: '' }],
  groups: [group()],
  schemas: [schema()],
  oldestTransaction: null,
  unanswered: [],
  ...overrides,
});

const service = (overrides: Partial<ServiceStatus>): Partial<Facts> => ({
  services: [{ service: 'scoring', status: status(overrides), detail: '' }],
});
const processor = (overrides: Partial<ServiceStatus['processors'][number]>): Partial<Facts> =>
  service({
    processors: [{ group: 'scoring', topics: [], lastSeenAt: at, halted: null, inFlight: 0, faults: [], ...overrides }],
  });
const backlog = { backlog: 4, oldestSeconds: 61, heldBack: 0 };
const publishing = service({ relay: { publishedAt: '2026-03-01T11:59:59.000Z', faults: [] } });
const brief = { application: 'scoring', pid: 9, state: 'active', ageSeconds: 0.02 };
const away = (name: 'kafka' | 'redis'): Partial<Facts> => ({
  servers: [{ name, address: 'x:1', state: 'away', detail: 'ECONNREFUSED' }],
});

describe('one situation', () => {
  it.each<[string, Partial<Facts>, string, string]>([
    ['nothing', {}, '', 'Nothing is blocked.'],
    [
      'a server that is away',
      away('kafka'),
      'server-away',
      'Kafka at x:1 is away (ECONNREFUSED): nothing is consumed or published, what is accepted waits in the outboxes.',
    ],
    [
      'a server that can be done without for a while',
      away('redis'),
      'server-away',
      'Redis at x:1 is away (ECONNREFUSED): rate limits and quotas are counted by each process alone.',
    ],
    [
      'a service that does not answer',
      { services: [{ service: 'scoring', status: null, detail: 'ECONNREFUSED' }] },
      'service-away',
      'scoring does not answer (ECONNREFUSED): scoring stands still.',
    ],
    [
      'a service that has not started',
      service({ ready: false, waitingFor: 'registry' }),
      'service-not-ready',
      'scoring has not started: it waits for registry.',
    ],
    [
      'a service that is not ready',
      service({ ready: false, checks: { start: 'ok', db: 'PGS_ERR_UNAVAILABLE' } }),
      'service-not-ready',
      'scoring is not ready: db (PGS_ERR_UNAVAILABLE).',
    ],
    [
      'a halted group',
      { ...processor({ halted: '20 of 20 messages would be dead-lettered' }), groups: [group({ behind: [behind()] })] },
      'group-halted',
      'scoring in scoring has halted at enrichment.lead.v1/3@40: 20 of 20 messages would be dead-lettered.',
    ],
    [
      'a relay that nobody runs',
      { schemas: [schema({ outbox: backlog, relay: null })] },
      'relay-stopped',
      'The relay of scoring does not publish: 4 messages wait, the oldest for 61 s; nobody holds its lock.',
    ],
    [
      'a relay whose lock a stranger holds',
      {
        schemas: [schema({ outbox: backlog, relay: { application: 'psql', pid: 9, state: 'idle', ageSeconds: 80 } })],
      },
      'relay-stopped',
      'The relay of scoring does not publish: 4 messages wait, the oldest for 61 s; its lock is held by psql (pid 9).',
    ],
    [
      'a relay that fails',
      {
        ...service({ relay: { publishedAt: null, faults: [{ code: 'KFK_ERR_TOO_LARGE', what: '', at, times: 3 }] } }),
        schemas: [schema({ outbox: backlog })],
      },
      'relay-stopped',
      'The relay of scoring does not publish: 4 messages wait, the oldest for 61 s; its last error is KFK_ERR_TOO_LARGE.',
    ],
    [
      'a relay that has published until six seconds ago',
      {
        ...service({ relay: { publishedAt: '2026-03-01T11:59:54.000Z', faults: [] } }),
        schemas: [schema({ outbox: backlog })],
      },
      'relay-stopped',
      'The relay of scoring does not publish: 4 messages wait, the oldest for 61 s; its lock is held by scoring (pid 7).',
    ],
    [
      'a relay that publishes what it is behind with',
      { ...publishing, schemas: [schema({ outbox: { ...backlog, heldBack: 1 } })], oldestTransaction: brief },
      '',
      'Nothing is blocked. The relay of scoring is behind: 4 messages wait, the oldest for 61 s; it publishes.',
    ],
    [
      'a transaction that hides messages from a relay that publishes what was before',
      {
        ...publishing,
        schemas: [schema({ outbox: { ...backlog, heldBack: 4 } })],
        oldestTransaction: { ...brief, ageSeconds: 60 },
      },
      'relay-stopped',
      'The relay of scoring does not publish: 4 messages wait, the oldest for 61 s; ' +
        'a transaction of scoring (pid 9) is open for 60 s and hides them.',
    ],
    [
      'a transaction that hides messages from the relay',
      {
        schemas: [schema({ outbox: { ...backlog, heldBack: 4 } })],
        oldestTransaction: { application: 'report', pid: 11, state: 'idle in transaction', ageSeconds: 300 },
      },
      'relay-stopped',
      'The relay of scoring does not publish: 4 messages wait, the oldest for 61 s; ' +
        'a transaction of report (pid 11) is open for 300 s and hides them.',
    ],
    [
      'timers that are overdue',
      { schemas: [schema({ relay: null, timers: { overdue: 1, oldestSeconds: 30 } })] },
      'timers-overdue',
      '1 timer of scoring is overdue, the oldest by 30 s; nobody holds its lock.',
    ],
    [
      'an open breaker',
      {
        ...service({ breakers: { apollo: 'open' } }),
        schemas: [schema({ redeliveries: { PRV_ERR_BREAKER_OPEN: 5 } })],
      },
      'breaker-open',
      'The breaker of apollo in scoring is open: it failed too often, 5 messages wait for another try.',
    ],
    [
      'a group without members',
      { groups: [group({ members: 0, behind: [behind()] })] },
      'group-without-members',
      'scoring has no members: nobody reads for it, 12 messages wait, the oldest for 90 s (enrichment.lead.v1/3@40, key lead-1).',
    ],
    [
      'a group that stands still',
      {
        ...processor({ faults: [{ code: 'PGS_ERR_CONFLICT', what: '', at, times: 2 }] }),
        groups: [group({ behind: [behind()] })],
      },
      'lag',
      'scoring stands still, 12 messages wait, the oldest for 90 s (enrichment.lead.v1/3@40, key lead-1); ' +
        `its last error is PGS_ERR_CONFLICT at ${at}.`,
    ],
    [
      'a group that falls behind',
      { groups: [group({ behind: [behind({ moved: true, lagBefore: 3 })] })] },
      'lag',
      'scoring falls behind, 12 messages wait, the oldest for 90 s (enrichment.lead.v1/3@40, key lead-1).',
    ],
    [
      'clocks that nobody runs',
      { schemas: [schema({ ticks: [{ tick: 'system.heartbeat', ageSeconds: 200.4 }] })] },
      'heartbeat-late',
      'The last heartbeat of scoring was written 200 s ago: no replica runs its clocks.',
    ],
    [
      'parked keys',
      { schemas: [schema({ parked: [{ group: 'scoring', keys: 1, messages: 3 }] })] },
      'parked',
      'scoring has parked 1 key with 3 messages: drain them once the cause is mended.',
    ],
  ])('%s', (_name, overrides, kind, sentence) => {
    const diagnosis = diagnose(facts(overrides));
    expect(diagnosis.sentence).toBe(sentence);
    expect(diagnosis.causes.map((cause) => cause.kind)).toEqual(kind === '' ? [] : [kind]);
    expect(diagnosis.verdict).toBe(kind === '' ? 'healthy' : 'blocked');
  });

  it.each<[string, Partial<Facts>]>([
    ['that catches up', { groups: [group({ behind: [behind({ moved: true, lagBefore: 500 })] })] }],
    ['of a moment', { groups: [group({ behind: [behind({ oldest: { key: null, ageSeconds: 0.4 } })] })] }],
    ['in an outbox of a moment', { schemas: [schema({ outbox: { backlog: 9, oldestSeconds: 0.2, heldBack: 2 } })] }],
    ['behind a breaker that only waits for somebody to ask', service({ breakers: { apollo: 'half-open' } })],
  ])('a backlog %s blocks nothing', (_name, overrides) => {
    expect(diagnose(facts(overrides)).verdict).toBe('healthy');
  });
});

describe('several at once', () => {
  it('the cause is named before what follows from it', () => {
    const diagnosis = diagnose(
      facts({
        ...away('kafka'),
        ...service({ breakers: { apollo: 'open' } }),
        groups: [group({ members: 0 })],
        schemas: [schema({ outbox: backlog, relay: null })],
      }),
    );
    expect(diagnosis.causes.map(({ kind }) => kind)).toEqual([
      'server-away',
      'relay-stopped',
      'breaker-open',
      'group-without-members',
    ]);
    expect(diagnosis.sentence).toBe(diagnosis.causes[0]?.sentence);
  });

  it('without an answer nothing is claimed', () => {
    expect(diagnose(facts({ unanswered: ['consumer groups (no answer)'] }))).toMatchObject({
      verdict: 'unknown',
      sentence: 'Cannot tell: consumer groups (no answer).',
    });
    expect(diagnose(facts({ services: [] })).verdict).toBe('unknown');
  });
});
