// `npm run planted-bugs`: puts each bug in, runs the suites that ought to catch it, and ends with 1 when one is caught by nothing.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import type { PlantedBug } from '@lead-flood/kernel';
import { plantedBugs } from '@lead-flood/kernel';
import { repositoryRoot, startStack, toEnvironment } from '@lead-flood/local';
import { suites } from './suites.ts';

/** A bug may make a test wait for ever; vitest's own limits end it, this one ends a run that hangs besides. */
const RUN_MS = 300_000;

const results = z.object({
  testResults: z.array(
    z.object({
      message: z.string().optional(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
});

type Outcome = { readonly by: string | null; readonly seconds: number };

/** The first test of the file that fails with the bug in, or null. */
async function firstFailure(
  bug: PlantedBug,
  file: string,
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<string | null> {
  const output = join(folder, 'results.json');
  rmSync(output, { force: true });
  const args = ['run', file, '--bail=1', '--reporter=json', `--outputFile=${output}`];
  const child = spawn('vitest', args, {
    cwd: repositoryRoot,
    env: { ...env, LEADFLOOD_PLANTED_BUG: bug },
    stdio: 'ignore',
    timeout: RUN_MS,
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  if (code === null) return `${file} (did not end)`;
  const { testResults } = results.parse(JSON.parse(readFileSync(output, 'utf8')));
  const failed = testResults.flatMap((one) => one.assertionResults).find(({ status }) => status === 'failed');
  if (failed !== undefined) return failed.fullName.trim();
  return code === 0 ? null : `${file}: ${testResults[0]?.message?.split('\n')[0] ?? 'could not run'}`;
}

async function tryBug(bug: PlantedBug, folder: string, env: NodeJS.ProcessEnv): Promise<Outcome> {
  const startedAt = performance.now();
  const seconds = (): number => Math.round((performance.now() - startedAt) / 1_000);
  for (const file of suites[bug]) {
    const by = await firstFailure(bug, file, folder, env);
    if (by !== null) return { by, seconds: seconds() };
  }
  return { by: null, seconds: seconds() };
}

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true } } });
const names = (Object.keys(plantedBugs) as PlantedBug[]).filter((name) => values.only?.includes(name) ?? true);
if (names.length === 0) {
  process.stderr.write(`there is no such bug; there are:\n${Object.keys(plantedBugs).join('\n')}\n`);
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), 'lead-flood-planted-'));
const stack = await startStack({ directory: join(folder, 'stack') });
const env = { ...process.env, ...toEnvironment(stack.addresses) };
const uncaught: string[] = [];
process.stdout.write(`${'planted bug'.padEnd(28)}  ${'s'.padStart(4)}  caught by\n`);
for (const name of names) {
  const { by, seconds } = await tryBug(name, folder, env);
  if (by === null) uncaught.push(name);
  process.stdout.write(`${name.padEnd(28)}  ${String(seconds).padStart(4)}  ${by ?? 'NOTHING'}\n`);
}
await stack.stop();
rmSync(folder, { recursive: true, force: true });
process.stdout.write(`${names.length - uncaught.length} of ${names.length} planted bugs are caught\n`);
process.exit(uncaught.length === 0 ? 0 : 1);
