// `npm run planted-bugs`: puts each bug in, runs the suites that ought to catch it, and ends with 1 when one is caught by
// nothing. Caught is a test that fails with the bug and passes without it; a file that cannot be run catches nothing.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryRoot, startStack, toEnvironment } from '@lead-flood/local';
import type { Outcome, Verdict } from './outcome.ts';
import { compare, readOutcome } from './outcome.ts';
import type { PlantedBug } from './catalogue/index.ts';
import { bugNames } from './catalogue/index.ts';
import { environmentWith } from './plant.ts';
import { suites } from './suites.ts';

/** A bug may make a test wait for ever: vitest's own limits end that one. A run that hangs besides is ended, and proves nothing. */
const RUN_MS = 300_000;

/** One run of the file, with a bug in or without. */
async function run(file: string, bug: PlantedBug | null, folder: string, env: NodeJS.ProcessEnv): Promise<Outcome> {
  const output = join(folder, 'results.json');
  rmSync(output, { force: true });
  const args = [
    'run',
    file,
    '--config=test/planted-bugs/vitest.config.ts',
    '--reporter=json',
    `--outputFile=${output}`,
    ...(bug === null ? [] : ['--bail=1']),
  ];
  const child = spawn('vitest', args, {
    cwd: repositoryRoot,
    env: bug === null ? env : { ...env, ...environmentWith(bug) },
    stdio: 'ignore',
    timeout: RUN_MS,
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  return readOutcome(existsSync(output) ? readFileSync(output, 'utf8') : null, code);
}

type Run = (file: string, bug: PlantedBug | null) => Promise<Outcome>;
type Tried = Verdict & { readonly seconds: number };

async function tryBug(bug: PlantedBug, once: (file: string) => Promise<Outcome>, run: Run): Promise<Tried> {
  const startedAt = performance.now();
  const why: string[] = [];
  let by: string | null = null;
  for (const file of suites[bug]) {
    const verdict = await compare(file, await run(file, bug), () => once(file));
    why.push(...verdict.why);
    ({ by } = verdict);
    if (by !== null) break;
  }
  return { by, why, seconds: Math.round((performance.now() - startedAt) / 1_000) };
}

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true } } });
const names = bugNames.filter((name) => values.only?.includes(name) ?? true);
if (names.length === 0) {
  process.stderr.write(`there is no such bug; there are:\n${bugNames.join('\n')}\n`);
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), 'lead-flood-planted-'));
const stack = await startStack({ directory: join(folder, 'stack') });
const env = { ...process.env, ...toEnvironment(stack.addresses) };
const runIn: Run = (file, bug) => run(file, bug, folder, env);
const controls = new Map<string, Promise<Outcome>>();
/** The run without a bug, once a file: only of those by which something seems to be caught. */
const control = (file: string): Promise<Outcome> => {
  const known = controls.get(file) ?? runIn(file, null);
  controls.set(file, known);
  return known;
};
const uncaught: string[] = [];
let faulty = 0;
process.stdout.write(`${'planted bug'.padEnd(28)}  ${'s'.padStart(4)}  caught by\n`);
for (const name of names) {
  const { by, why, seconds } = await tryBug(name, control, runIn);
  if (by === null) uncaught.push(name);
  process.stdout.write(`${name.padEnd(28)}  ${String(seconds).padStart(4)}  ${by ?? 'NOTHING'}\n`);
  for (const line of why) process.stdout.write(`${' '.repeat(36)}! ${line}\n`);
  faulty += why.length;
}
await stack.stop();
rmSync(folder, { recursive: true, force: true });
process.stdout.write(`${names.length - uncaught.length} of ${names.length} planted bugs are caught\n`);
if (faulty > 0)
  process.stdout.write(`${faulty} runs proved nothing: the file could not be run, or fails without any bug\n`);
process.exit(uncaught.length === 0 && faulty === 0 ? 0 : 1);
