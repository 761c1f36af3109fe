/** `npm run bench -- profile`: processor time of a lead by process and move, the dearest statements, and flame graphs. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createTable, repositoryRoot, startEverything } from '@lead-flood/local';
import { profileEnvironment, profilePostgres, runProfile } from '../scenarios/profile.ts';

const seen = (ms: number): string => (ms < 0.0005 ? '' : ms.toFixed(3));
const sum = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0);

/** At `BENCH_LEADS_PER_SECOND` (200) for 30 s; profiles and pictures stay in `.local/profile`. */
export async function reportProfile(): Promise<void> {
  const folder = join(repositoryRoot, '.local', 'profile', new Date().toISOString().replaceAll(/[:.]/g, '-'));
  mkdirSync(folder, { recursive: true });
  const everything = await startEverything({
    preferUsualPorts: false,
    directory: join(folder, 'stack'),
    env: { LOG_LEVEL: 'warn', ...profileEnvironment(folder) },
    postgresSettings: profilePostgres,
  });
  const perSecond = Number(process.env['BENCH_LEADS_PER_SECOND'] ?? 200);
  const result = await runProfile(everything, { firstSeed: 30_000_000, perSecond, seconds: 30, folder });
  await everything.stop();

  const names = [...result.moves.keys()].toSorted();
  const moves = [...new Set([...result.moves.values()].flatMap((one) => [...one.keys()]))];
  const totalOf = (move: string): number => sum(names.map((name) => result.moves.get(name)?.get(move) ?? 0));
  const byMove = createTable({ head: ['CPU ms a scored lead', ...names, 'all'] });
  for (const move of moves.toSorted((a, b) => totalOf(b) - totalOf(a)))
    byMove.push([move, ...names.map((name) => seen(result.moves.get(name)?.get(move) ?? 0)), seen(totalOf(move))]);
  byMove.push([
    'profiled',
    ...names.map((name) => seen(sum(result.moves.get(name)?.values() ?? []))),
    seen(sum(moves.map(totalOf))),
  ]);

  const byProcess = createTable({ head: ['process', 'CPU ms a scored lead'] });
  for (const [name, ms] of [...result.cpuMsPerLead].toSorted(([, a], [, b]) => b - a)) byProcess.push([name, seen(ms)]);
  byProcess.push(['all', seen(sum(result.cpuMsPerLead.values()))]);

  const statements = createTable({
    head: ['statement', 'a second', 'ms a lead'],
    colWidths: [110, 10, 11],
    wordWrap: true,
  });
  for (const { text, callsPerSecond, msPerLead } of result.statements)
    statements.push([text, callsPerSecond.toFixed(0), seen(msPerLead)]);

  const tables = createTable({ head: ['rows a scored lead', 'inserted', 'updated', 'of them hot', 'deleted'] });
  for (const { table, inserted, updated, hot, deleted } of result.tables)
    tables.push([table, ...[inserted, updated, hot, deleted].map((rows) => (rows < 0.005 ? '' : rows.toFixed(2)))]);

  process.stdout.write(
    `${[
      `${perSecond} leads/s offered, ${result.scoredPerSecond.toFixed(0)} scored, ${result.commitsPerSecond.toFixed(0)} commits a second`,
      byMove.toString(),
      byProcess.toString(),
      statements.toString(),
      tables.toString(),
      `flame graphs: ${result.pictures}`,
    ].join('\n')}\n`,
  );
}
