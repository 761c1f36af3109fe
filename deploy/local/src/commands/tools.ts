// Commands that only start another program of the repository with the right runtime: checks, tests, schemas, benchmarks.
import { spawn } from 'node:child_process';
import { Command } from 'commander';
import { registerSchemas } from '@lead-flood/kafka';
import { onShutdown } from '../shutdown.ts';
import { repositoryRoot } from '../stack.ts';

/** Runs a program to its end with our terminal; resolves with its exit code. */
export async function runProgram(command: string, args: readonly string[]): Promise<number> {
  const child = spawn(command, [...args], { cwd: repositoryRoot, stdio: 'inherit' });
  const forget = onShutdown(command, () => {
    child.kill('SIGTERM');
    return Promise.resolve();
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      forget();
      resolve(code ?? (signal === null ? 1 : 128));
    });
  });
}

export function checkCommand(): Command {
  return new Command('check').description('types, lint, boundaries, generated files, formatting').action(async () => {
    const checks: readonly (readonly [string, readonly string[]])[] = [
      ['tsc', ['-p', 'tsconfig.json']],
      ['oxlint', ['--deny-warnings']],
      ['prettier', ['--check', '--log-level', 'warn', '.']],
      ['node', ['libs/contracts/tools/schemas.ts', 'check']],
    ];
    const failed: string[] = [];
    for (const [program, args] of checks) {
      process.stdout.write(`> ${program} ${args.join(' ')}\n`);
      if ((await runProgram(program, args)) !== 0) failed.push(program);
    }
    process.stdout.write(failed.length === 0 ? 'check: all good\n' : `check: failed: ${failed.join(', ')}\n`);
    process.exit(failed.length === 0 ? 0 : 1);
  });
}

export function testCommand(): Command {
  return new Command('test')
    .description('every suite; arguments go to vitest')
    .argument('[patterns...]')
    .allowUnknownOption()
    .action(async (patterns: string[]) => {
      process.exit(await runProgram('vitest', ['run', ...patterns]));
    });
}

export function schemasCommand(): Command {
  return new Command('schemas')
    .description('generate | check | release | register')
    .argument('<action>')
    .option('--registry <url>', 'for register; SCHEMA_REGISTRY_URL otherwise')
    .action(async (action: string, options: { registry?: string }) => {
      if (action !== 'register') process.exit(await runProgram('node', ['libs/contracts/tools/schemas.ts', action]));
      const url = options.registry ?? process.env['SCHEMA_REGISTRY_URL'];
      if (url === undefined) {
        process.stderr.write('give --registry or SCHEMA_REGISTRY_URL\n');
        process.exit(2);
      }
      const ids = await registerSchemas(url);
      process.stdout.write(`${[...ids].map(([name, id]) => `${name} ${id}`).join('\n')}\n`);
    });
}

export function benchCommand(): Command {
  return new Command('bench')
    .description('measure; see load-tests/README.md')
    .argument('[scenarios...]')
    .allowUnknownOption()
    .action(async (scenarios: string[]) => {
      process.exit(await runProgram('node', ['load-tests/src/main.ts', ...scenarios]));
    });
}

export function invariantsCommand(): Command {
  return new Command('invariants')
    .description('judge a running stack by its topics and tables; see docs/reliability.md')
    .argument('[options...]')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (options: string[]) => {
      process.exit(await runProgram('node', ['test/invariants/main.ts', ...options]));
    });
}

export function plantedBugsCommand(): Command {
  return new Command('planted-bugs')
    .description('put bugs in one by one and see which test catches each')
    .argument('[options...]')
    .allowUnknownOption()
    .action(async (options: string[]) => {
      process.exit(await runProgram('node', ['test/planted-bugs/main.ts', ...options]));
    });
}

export function faultsCommand(): Command {
  return new Command('faults')
    .description('break servers, processes and providers while they work, and judge; see test/faults/README.md')
    .argument('[options...]')
    .allowUnknownOption()
    .action(async (options: string[]) => {
      process.exit(await runProgram('node', ['test/faults/main.ts', ...options]));
    });
}
