// What must hold at the end: the counts of the generator's journal against the product's own and the sandbox's log.
import type { Funnel } from './api.ts';
import type { CsvAnswers, RestAnswers } from './doors.ts';
import type { Submission } from './submissions.ts';

export interface Evidence {
  readonly submissions: readonly Submission[];
  readonly rest: RestAnswers;
  readonly csv: CsvAnswers;
  readonly garbage: number;
  /** Of this run alone: the funnel now less the funnel before. */
  readonly funnel: Funnel;
  readonly doubles: number;
  readonly breaker: { readonly opened: boolean; readonly closedAgain: boolean };
}

export interface Check {
  readonly what: string;
  readonly expected: number | string;
  readonly actual: number | string;
}

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0);

export function makeChecks({ submissions, rest, csv, garbage, funnel, doubles, breaker }: Evidence): Check[] {
  const { outcomes, enrichment, scoring, outreach, calls, deadLetters } = funnel;
  const ofKind = (...kinds: readonly string[]): number => submissions.filter((s) => kinds.includes(s.kind)).length;
  const people = ofKind('new');
  const dead = deadLetters['discovery'] ?? 0;
  const answeredAtTheDoor = rest.known + rest.refused + csv.refused;
  const medium = (calls.tasksCreated ?? 0) + sum(calls.tasksDeclined);
  const written =
    outreach.leadsContacted + sum(outreach.notContacted) + outreach.messagesFailed + outreach.messagesWithheld;
  return [
    { what: 'every person became one lead', expected: people, actual: outcomes.discovered },
    {
      what: 'duplicates were recognised (events, and 409 by REST)',
      expected: ofKind('duplicate'),
      actual: outcomes.updated + outcomes.duplicated + rest.known,
    },
    {
      what: 'unusable ones were refused (events, 400 by REST, rows of files)',
      expected: ofKind('bad-email', 'unknown-field', 'no-identity'),
      actual: outcomes.rejected + rest.refused + csv.refused,
    },
    { what: 'garbage became dead letters', expected: garbage, actual: dead },
    {
      what: 'submitted = discovered + duplicate + rejected + dead-lettered',
      expected: submissions.length,
      actual:
        outcomes.discovered + outcomes.updated + outcomes.duplicated + outcomes.rejected + dead + answeredAtTheDoor,
    },
    { what: 'nothing unexpected was answered by REST', expected: '', actual: rest.unexpected.slice(0, 3).join('; ') },
    {
      what: 'every lead was enriched or said not to be',
      expected: outcomes.discovered,
      actual: enrichment.enriched + enrichment.failed,
    },
    { what: 'every lead has one score', expected: outcomes.discovered, actual: scoring.scored },
    { what: 'HIGH and LOW: a message, or a reason why not', expected: scoring.high + scoring.low, actual: written },
    { what: 'MEDIUM: a call task, or a reason why not', expected: scoring.medium, actual: medium },
    { what: 'nobody was contacted twice (the sandbox’s own log)', expected: 0, actual: doubles },
    {
      what: 'the failing provider’s breaker opened and closed',
      expected: 'open, closed',
      actual: `${breaker.opened ? 'open' : 'never open'}, ${breaker.closedAgain ? 'closed' : 'not closed'}`,
    },
  ];
}

export const fails = ({ expected, actual }: Check): boolean => expected !== actual;

/** What one run added. */
export function difference(now: Funnel, before: Funnel): Funnel {
  return subtract(now, before) as Funnel;
}

function subtract(now: unknown, before: unknown): unknown {
  if (typeof now === 'number') return now - (typeof before === 'number' ? before : 0);
  if (Array.isArray(now)) {
    return now.map((item: { provider?: string }) =>
      subtract(
        item,
        Array.isArray(before) ? before.find((old: { provider?: string }) => old.provider === item.provider) : undefined,
      ),
    );
  }
  if (typeof now !== 'object' || now === null) return now;
  const old = typeof before === 'object' && before !== null ? (before as Record<string, unknown>) : {};
  return Object.fromEntries(Object.entries(now).map(([name, value]) => [name, subtract(value, old[name])]));
}
