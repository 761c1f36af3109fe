// The commands behind `npm run ...`, one file each under commands/. This file only lists them.
import { Command } from 'commander';
import { deadLettersCommand } from './commands/dead-letters.ts';
import { demoCommand } from './commands/demo.ts';
import { doctorCommand } from './commands/doctor.ts';
import { envCommand } from './commands/env.ts';
import { stackCommand } from './commands/stack.ts';
import { startCommand } from './commands/start.ts';
import {
  benchCommand,
  checkCommand,
  faultsCommand,
  invariantsCommand,
  plantedBugsCommand,
  schemasCommand,
  testCommand,
} from './commands/tools.ts';
import { LocalError } from './errors.ts';

const commands: readonly (() => Command)[] = [
  demoCommand,
  startCommand,
  testCommand,
  checkCommand,
  benchCommand,
  invariantsCommand,
  plantedBugsCommand,
  faultsCommand,
  schemasCommand,
  deadLettersCommand,
  doctorCommand,
  stackCommand,
  envCommand,
];

const program = new Command('lead-flood').description('Lead Flood on this machine');
for (const command of commands) program.addCommand(command());

try {
  await program.parseAsync();
} catch (error) {
  // A LocalError is written for the reader; the stack of anything else is what finds the fault.
  const text = error instanceof LocalError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${text}\n`);
  process.exit(1);
}
