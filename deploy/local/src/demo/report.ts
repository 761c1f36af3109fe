// What the demo prints: progress while it runs, the funnel and the checks at its end.
import { createTable } from '../table.ts';
import pc from 'picocolors';
import type { Funnel } from './api.ts';
import type { Check } from './checks.ts';
import { fails } from './checks.ts';

const dollars = (micros: number): string => `$${(micros / 1_000_000).toFixed(2)}`;

export interface Progress {
  update(funnel: Funnel, inFlight: number): void;
  say(line: string): void;
  end(): void;
}

/** One line that is redrawn on a terminal, one line every few seconds elsewhere. */
export function showProgress(stream: NodeJS.WriteStream = process.stdout): Progress {
  const startedAt = performance.now();
  let last = { at: startedAt, scored: 0 };
  let rate = 0;
  let printedAt = 0;
  let drawn = false;
  const clear = (): void => {
    if (stream.isTTY && drawn) {
      stream.moveCursor(0, -1);
      stream.clearLine(0);
    }
    drawn = false;
  };
  return {
    update(funnel, inFlight) {
      const now = performance.now();
      // Between two changes, not two looks: the read model comes on in steps, and a look between two of them saw none.
      if (funnel.scoring.scored > last.scored) {
        rate = ((funnel.scoring.scored - last.scored) / Math.max(1, now - last.at)) * 1_000;
        last = { at: now, scored: funnel.scoring.scored };
      }
      const { outcomes, enrichment, scoring, outreach, calls, deadLetters } = funnel;
      const dead = Object.values(deadLetters).reduce((a, b) => a + b, 0);
      const line =
        `${((now - startedAt) / 1_000).toFixed(0).padStart(4)} s  discovered ${outcomes.discovered}  duplicate ${outcomes.updated + outcomes.duplicated}  rejected ${outcomes.rejected}  ` +
        `enriched ${enrichment.enriched + enrichment.failed}  scored ${scoring.scored} (${rate.toFixed(0)}/s)  messages ${outreach.messagesSent}  replies ${outreach.replies}  ` +
        `tasks ${calls.tasksCreated}  with providers ${inFlight}  dead letters ${dead}`;
      if (stream.isTTY) {
        clear();
        stream.write(`${line}\n`);
        drawn = true;
      } else if (now - printedAt > 3_000) {
        printedAt = now;
        stream.write(`${line}\n`);
      }
    },
    say(line) {
      clear();
      stream.write(`${pc.cyan('»')} ${line}\n`);
    },
    end: clear,
  };
}

export function printFunnel(funnel: Funnel, atTheDoor: { known: number; refused: number }): void {
  const { outcomes, enrichment, scoring, outreach, calls, deadLetters, providers } = funnel;
  const table = createTable({ head: ['stage', 'what', 'leads'], colAligns: ['left', 'left', 'right'] });
  const add = (stage: string, what: string, count: number): void => {
    table.push([stage, what, count]);
  };
  add('door', 'known already (409)', atTheDoor.known);
  add('door', 'refused (400, rows of files)', atTheDoor.refused);
  add('discovery', 'discovered', outcomes.discovered);
  add('discovery', 'known, with news', outcomes.updated);
  add('discovery', 'known, nothing new', outcomes.duplicated);
  add('discovery', 'rejected', outcomes.rejected);
  for (const [group, count] of Object.entries(deadLetters)) if (count > 0) add(group, 'dead letters', count);
  add('enrichment', 'enriched', enrichment.enriched);
  add('enrichment', 'not enriched', enrichment.failed);
  add('scoring', 'HIGH', scoring.high);
  add('scoring', 'MEDIUM', scoring.medium);
  add('scoring', 'LOW', scoring.low);
  add('outreach', 'written to', outreach.leadsContacted);
  add('outreach', 'message failed', outreach.messagesFailed);
  if (outreach.messagesWithheld > 0) add('outreach', 'message withheld', outreach.messagesWithheld);
  for (const [reason, count] of Object.entries(outreach.notContacted))
    if (count > 0) add('outreach', `not written to: ${reason}`, count);
  add('outreach', 'replies', outreach.replies);
  add('calls', 'tasks', calls.tasksCreated);
  for (const [reason, count] of Object.entries(calls.tasksDeclined))
    if (count > 0) add('calls', `no task: ${reason}`, count);
  for (const [outcome, count] of Object.entries(calls.outcomes)) if (count > 0) add('calls', outcome, count);
  process.stdout.write(`\n${table.toString()}\n`);
  const costs = createTable({
    head: ['provider', 'asked', 'hits', 'verified e-mails', 'cost', 'per verified e-mail'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
  });
  for (const { provider, attempts, hits, verifiedEmails, costMicros } of providers) {
    costs.push([
      provider,
      attempts,
      hits,
      verifiedEmails,
      dollars(costMicros),
      verifiedEmails === 0 ? '' : dollars(costMicros / verifiedEmails),
    ]);
  }
  process.stdout.write(`${costs.toString()}\n`);
}

export function printChecks(checks: readonly Check[]): boolean {
  const failed = checks.filter(fails);
  for (const check of checks) {
    const mark = fails(check) ? pc.red('✗') : pc.green('✓');
    const difference = fails(check)
      ? pc.red(`  expected ${check.expected}, found ${check.actual}`)
      : typeof check.actual === 'number'
        ? pc.dim(`  ${check.actual}`)
        : '';
    process.stdout.write(`${mark} ${check.what}${difference}\n`);
  }
  process.stdout.write(
    failed.length === 0 ? `${pc.green('every count adds up')}\n` : `${pc.red(`${failed.length} counts differ`)}\n`,
  );
  return failed.length === 0;
}
