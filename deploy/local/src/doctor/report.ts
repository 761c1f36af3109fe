// The doctor's findings for people: the sentence, then what stands behind it. A table on a terminal, plain lines elsewhere.
import { createTable } from '../table.ts';
import type { Diagnosis, Facts, GroupFacts } from '@lead-flood/service';
import { placeOf, worst } from '@lead-flood/service';

interface Section {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function renderReport(facts: Facts, diagnosis: Diagnosis, isTerminal: boolean): string {
  const others = diagnosis.causes.slice(1).map(({ sentence }) => `  also: ${sentence}`);
  const sections = [groups(facts), services(facts), schemas(facts)].filter(({ rows }) => rows.length > 0);
  return [
    diagnosis.sentence,
    ...others,
    ...facts.unanswered.map((what) => `  no answer about ${what}`),
    '',
    ...sections.map((section) => `${isTerminal ? table(section) : plain(section)}\n`),
  ].join('\n');
}

function groups(facts: Facts): Section {
  const processors = new Map(
    facts.services.flatMap(({ status }) => (status?.processors ?? []).map((one) => [one.group, one] as const)),
  );
  return {
    head: ['group', 'members', 'lag', 'lag s', 'oldest (key)', 'in flight', 'halted', 'last error'],
    rows: facts.groups.map((group) => {
      const processor = processors.get(group.group);
      const fault = processor?.faults[0];
      return [
        group.group,
        group.members === null ? '?' : String(group.members),
        String(group.behind.reduce((sum, { lag }) => sum + lag, 0)),
        ...oldestOf(group),
        processor === undefined ? '?' : String(processor.inFlight),
        processor === undefined ? '?' : processor.halted === null ? 'no' : 'yes',
        fault === undefined ? '-' : `${fault.code} x${fault.times} ${fault.at}`,
      ];
    }),
  };
}

function oldestOf({ behind }: GroupFacts): [string, string] {
  const at = worst(behind);
  if (at === null) return ['0', '-'];
  if (at.oldest === null) return ['?', placeOf(at)];
  return [at.oldest.ageSeconds.toFixed(1), `${placeOf(at)} (${at.oldest.key ?? 'no key'})`];
}

const services = (facts: Facts): Section => ({
  head: ['service', 'ready', 'waits for', 'breakers', 'relay published'],
  rows: facts.services.map(({ service, status, detail }) => {
    if (status === null) return [service, 'no answer', detail, '?', '?'];
    const failed = Object.entries(status.checks).filter(([, state]) => state !== 'ok');
    const breakers = Object.entries(status.breakers).filter(([, state]) => state !== 'closed');
    return [
      service,
      status.ready ? 'yes' : 'no',
      listed([status.waitingFor ?? '', ...failed.map(([name, state]) => `${name}: ${state}`)]),
      listed(breakers.map(([name, state]) => `${name} ${state}`)),
      status.relay.publishedAt ?? '-',
    ];
  }),
});

const schemas = (facts: Facts): Section => ({
  head: [
    'schema',
    'outbox',
    'oldest s',
    'relay held by',
    'timers overdue',
    'retries waiting',
    'parked keys',
    'heartbeat s',
  ],
  rows: facts.schemas.map(({ schema, outbox, relay, timers, redeliveries, parked, ticks }) => [
    schema,
    String(outbox.backlog),
    outbox.oldestSeconds.toFixed(1),
    relay === null ? 'nobody' : `${relay.application} (${relay.pid})`,
    timers.overdue === 0 ? '0' : `${timers.overdue}, by ${timers.oldestSeconds.toFixed(0)} s`,
    listed(Object.entries(redeliveries).map(([code, n]) => `${n} ${code}`)),
    String(parked.reduce((sum, { keys }) => sum + keys, 0)),
    ticks.map(({ tick, ageSeconds }) => (tick === 'system.heartbeat' ? String(Math.round(ageSeconds)) : '')).join(''),
  ]),
});

const listed = (words: readonly string[]): string => words.filter((word) => word !== '').join(', ') || '-';

function table({ head, rows }: Section): string {
  const drawn = createTable({ head: [...head] });
  for (const row of rows) drawn.push([...row]);
  return drawn.toString();
}

function plain({ head, rows }: Section): string {
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
