/**
 * What blocks what, in one sentence. A pure function over facts: the first cause in this order is named, since those
 * below it usually follow from it.
 *
 *   server away > service silent or not ready > group halted > relay does not publish > no heartbeat > breaker open
 *     > group without members > lag that stands or grows > keys parked > nothing
 */
import type { BackendFacts, Facts, GroupFacts, PartitionFacts, SchemaFacts, ServerFacts } from './facts.ts';

export const causeKinds = [
  'server-away',
  'service-away',
  'service-not-ready',
  'group-halted',
  'relay-stopped',
  'timers-overdue',
  'heartbeat-late',
  'breaker-open',
  'group-without-members',
  'lag',
  'parked',
] as const;
export type CauseKind = (typeof causeKinds)[number];

export type Cause = { readonly kind: CauseKind; readonly what: string; readonly sentence: string };

export type Diagnosis = {
  readonly verdict: 'healthy' | 'blocked' | 'unknown';
  readonly sentence: string;
  /** The worst first. */
  readonly causes: readonly Cause[];
};

/** A quiet relay sleeps 500 ms at most, and a message is read within half a second: what is older than this is stuck. */
const STUCK_SECONDS = 5;
/** Three are missing: one may be lost while a replica takes over. */
const HEARTBEAT_SECONDS = 180;

export function diagnose(facts: Facts): Diagnosis {
  const causes = [
    ...servers(facts),
    ...services(facts),
    ...halted(facts),
    ...relays(facts),
    ...heartbeats(facts),
    ...breakers(facts),
    ...memberless(facts),
    ...lagging(facts),
    ...parked(facts),
  ].toSorted((a, b) => causeKinds.indexOf(a.kind) - causeKinds.indexOf(b.kind));
  const [first] = causes;
  if (first !== undefined) return { verdict: 'blocked', sentence: first.sentence, causes };
  if (facts.unanswered.length > 0 || facts.services.length === 0)
    return {
      verdict: 'unknown',
      sentence: `Cannot tell: ${facts.unanswered.length === 0 ? 'no service is known; `npm start` starts the product, --service names one' : facts.unanswered.join('; ')}.`,
      causes,
    };
  return { verdict: 'healthy', sentence: ['Nothing is blocked.', ...relaysBehind(facts)].join(' '), causes };
}

const consequences: Readonly<Record<ServerFacts['name'], string>> = {
  postgres: 'nothing is processed, published or answered until it is back',
  kafka: 'nothing is consumed or published, what is accepted waits in the outboxes',
  registry: 'events of schemas that are not known yet wait, and no service can start',
  redis: 'rate limits and quotas are counted by each process alone',
};

const servers = (facts: Facts): Cause[] =>
  facts.servers
    .filter((server) => server.state === 'away')
    .map(({ name, address, detail }) => ({
      kind: 'server-away',
      what: name,
      sentence: `${title(name)} at ${address} is away (${detail}): ${consequences[name]}.`,
    }));

function services(facts: Facts): Cause[] {
  const groupsOf = (schema: string): string => names(facts.groups.filter((g) => g.schema === schema));
  return facts.services.flatMap(({ service, status, detail }): Cause[] => {
    if (status === null) {
      const groups = groupsOf(service.replaceAll('-', '_'));
      const stands = groups === '' ? 'its doors are closed' : `${groups} ${stand(groups)} still`;
      return [{ kind: 'service-away', what: service, sentence: `${service} does not answer (${detail}): ${stands}.` }];
    }
    if (status.waitingFor !== null)
      return [
        {
          kind: 'service-not-ready',
          what: service,
          sentence: `${service} has not started: it waits for ${status.waitingFor}.`,
        },
      ];
    // A halted group has a sentence of its own.
    const failed = Object.entries(status.checks).filter(([name, state]) => state !== 'ok' && name !== 'consumers');
    if (failed.length === 0) return [];
    const why = failed.map(([name, state]) => `${name} (${state})`).join(', ');
    return [{ kind: 'service-not-ready', what: service, sentence: `${service} is not ready: ${why}.` }];
  });
}

const halted = (facts: Facts): Cause[] =>
  facts.services.flatMap(({ service, status }) =>
    (status?.processors ?? []).flatMap(({ group, halted: reason }): Cause[] => {
      if (reason === null) return [];
      const where = worst(facts.groups.find((g) => g.group === group)?.behind ?? []);
      const at = where === null ? '' : ` at ${placeOf(where)}`;
      return [{ kind: 'group-halted', what: group, sentence: `${group} in ${service} has halted${at}: ${reason}.` }];
    }),
  );

function relays(facts: Facts): Cause[] {
  return facts.schemas.flatMap((schema): Cause[] => {
    const { timers } = schema;
    const reason = relayReason(schema, facts);
    if (hasOldOutbox(schema) && !publishes(schema, facts))
      return [
        {
          kind: 'relay-stopped',
          what: schema.schema,
          sentence: `The relay of ${schema.schema} does not publish: ${outboxOf(schema)}; ${reason}.`,
        },
      ];
    if (timers.overdue > 0 && timers.oldestSeconds >= STUCK_SECONDS)
      return [
        {
          kind: 'timers-overdue',
          what: schema.schema,
          sentence:
            `${count(timers.overdue, 'timer')} of ${schema.schema} ${timers.overdue === 1 ? 'is' : 'are'} overdue, ` +
            `the oldest by ${Math.round(timers.oldestSeconds)} s; ${reason}.`,
        },
      ];
    return [];
  });
}

/** Said where nothing else is: a backlog that shrinks blocks nobody. */
const relaysBehind = (facts: Facts): string[] =>
  facts.schemas
    .filter((schema) => hasOldOutbox(schema) && publishes(schema, facts))
    .map((schema) => `The relay of ${schema.schema} is behind: ${outboxOf(schema)}; it publishes.`);

const hasOldOutbox = ({ outbox }: SchemaFacts): boolean => outbox.backlog > 0 && outbox.oldestSeconds >= STUCK_SECONDS;
const outboxOf = ({ outbox }: SchemaFacts): string =>
  `${waiting(outbox.backlog)}, the oldest for ${Math.round(outbox.oldestSeconds)} s`;

/** Just now, and what waits is not hidden from it for long. A busy relay always finds some short transaction open. */
function publishes({ schema, outbox }: SchemaFacts, { at, services: all, oldestTransaction }: Facts): boolean {
  if (outbox.heldBack > 0 && (oldestTransaction?.ageSeconds ?? 0) >= STUCK_SECONDS) return false;
  const since = Date.parse(at) - STUCK_SECONDS * 1_000;
  return all.some(({ status }) => status?.schema === schema && Date.parse(status.relay.publishedAt ?? '') >= since);
}

function relayReason({ schema, outbox, relay }: SchemaFacts, { services: all, oldestTransaction }: Facts): string {
  if (outbox.heldBack > 0 && oldestTransaction !== null)
    return `a transaction of ${backend(oldestTransaction)} is open for ${Math.round(oldestTransaction.ageSeconds)} s and hides them`;
  if (relay === null) return 'nobody holds its lock';
  const owner = all.find(({ status }) => status?.schema === schema)?.status;
  if (relay.application !== (owner?.service ?? schema.replaceAll('_', '-')))
    return `its lock is held by ${backend(relay)}`;
  const fault = owner?.relay.faults[0];
  return fault === undefined ? `its lock is held by ${backend(relay)}` : `its last error is ${fault.code}`;
}

const heartbeats = (facts: Facts): Cause[] =>
  facts.schemas.flatMap(({ schema, ticks }) =>
    ticks
      .filter(({ tick, ageSeconds }) => tick === 'system.heartbeat' && ageSeconds > HEARTBEAT_SECONDS)
      .map(({ ageSeconds }) => ({
        kind: 'heartbeat-late' as const,
        what: schema,
        sentence: `The last heartbeat of ${schema} was written ${Math.round(ageSeconds)} s ago: no replica runs its clocks.`,
      })),
  );

function breakers(facts: Facts): Cause[] {
  return facts.services.flatMap(({ service, status }) =>
    Object.entries(status?.breakers ?? {}).flatMap(([provider, state]): Cause[] => {
      const redelivered = Object.values(
        facts.schemas.find(({ schema }) => schema === status?.schema)?.redeliveries ?? {},
      ).reduce((sum, n) => sum + n, 0);
      // Half-open lasts until somebody asks: without anybody waiting it is over in all but name.
      if (state === 'closed' || (state === 'half-open' && redelivered === 0)) return [];
      const wait = redelivered === 0 ? 'nothing waits for it yet' : `${waiting(redelivered)} for another try`;
      return [
        {
          kind: 'breaker-open',
          what: provider,
          sentence: `The breaker of ${provider} in ${service} is ${state}: it failed too often, ${wait}.`,
        },
      ];
    }),
  );
}

const memberless = (facts: Facts): Cause[] =>
  facts.groups
    .filter((group) => group.members === 0)
    .map((group) => ({
      kind: 'group-without-members',
      what: group.group,
      sentence: `${group.group} has no members: nobody reads for it${behindOf(group)}.`,
    }));

/** Behind, for long, and either without a move or further behind than a moment ago. */
const lagging = (facts: Facts): Cause[] =>
  facts.groups.flatMap((group): Cause[] => {
    const stuck = group.behind.filter(
      (p) => (!p.moved || p.lag > p.lagBefore) && (p.oldest === null || p.oldest.ageSeconds >= STUCK_SECONDS),
    );
    const at = worst(stuck);
    if (group.members === 0 || at === null) return [];
    const processor = facts.services
      .flatMap(({ status }) => status?.processors ?? [])
      .find((one) => one.group === group.group);
    // Why it stands is said already.
    if (processor !== undefined && processor.halted !== null) return [];
    const fault = processor?.faults[0];
    const error = fault === undefined ? '' : `; its last error is ${fault.code} at ${fault.at}`;
    const verb = at.moved ? 'falls behind' : 'stands still';
    return [{ kind: 'lag', what: group.group, sentence: `${group.group} ${verb}${behindOf(group)}${error}.` }];
  });

const parked = (facts: Facts): Cause[] =>
  facts.schemas.flatMap(({ parked: groups }) =>
    groups.map(({ group, keys, messages }) => ({
      kind: 'parked' as const,
      what: group,
      sentence: `${group} has parked ${count(keys, 'key')} with ${count(messages, 'message')}: drain them once the cause is mended.`,
    })),
  );

function behindOf({ behind }: GroupFacts): string {
  const at = worst(behind);
  if (at === null) return '';
  const lag = behind.reduce((sum, p) => sum + p.lag, 0);
  const since = at.oldest === null ? '' : `, the oldest for ${Math.round(at.oldest.ageSeconds)} s`;
  const name = at.oldest?.key ?? null;
  const key = name === null ? '' : `, key ${name}`;
  return `, ${waiting(lag)}${since} (${placeOf(at)}${key})`;
}

/** Whose first message waits for longest; where that is not known, most messages. */
export const worst = (partitions: readonly PartitionFacts[]): PartitionFacts | null =>
  partitions.toSorted((a, b) => (b.oldest?.ageSeconds ?? 0) - (a.oldest?.ageSeconds ?? 0) || b.lag - a.lag)[0] ?? null;

export const placeOf = ({ topic, partition, nextOffset }: PartitionFacts): string =>
  `${topic}/${partition}@${nextOffset}`;
const backend = ({ application, pid }: BackendFacts): string =>
  `${application === '' ? 'a client' : application} (pid ${pid})`;
const waiting = (n: number): string => `${count(n, 'message')} ${n === 1 ? 'waits' : 'wait'}`;
const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
const names = (groups: readonly GroupFacts[]): string => groups.map(({ group }) => group).join(' and ');
const stand = (groups: string): string => (groups.includes(' and ') ? 'stand' : 'stands');
const title = (name: string): string =>
  name === 'registry' ? 'The schema registry' : name.charAt(0).toUpperCase() + name.slice(1);
