// `stack`: starts the four servers, writes their addresses to .local/addresses.json, and stays until Ctrl-C.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import { serverNames, writeAddresses } from '../addresses.ts';
import { showReadiness } from '../readiness-list.ts';
import { onShutdown } from '../shutdown.ts';
import { repositoryRoot, startStack } from '../stack.ts';

export const addressesFile = join(repositoryRoot, '.local', 'addresses.json');

export function stackCommand(): Command {
  return new Command('stack')
    .description('start Kafka, registry, Postgres and Redis and stay until Ctrl-C')
    .option('--free-ports', 'take free ports even where the usual ones are free', false)
    .option('--full-compiler', 'give Kafka all of Java’s compiler: slower start, less processor per record', false)
    .action(async (options: { freePorts: boolean; fullCompiler: boolean }) => {
      const startedAt = performance.now();
      // Those of an owner that was killed: nobody must connect to them while this stack is starting.
      rmSync(addressesFile, { force: true });
      const list = showReadiness(serverNames);
      const stack = await startStack({
        preferUsualPorts: !options.freePorts,
        kafkaCompiler: options.fullCompiler ? 'full' : 'quick',
        log: list.log,
        onReady: (server) => list.ready(server.name, `${server.address}  ${pc.dim(`${seconds(server.startMs)} s`)}`),
      });
      writeAddresses(addressesFile, stack.addresses);
      onShutdown('the address file', () => {
        rmSync(addressesFile, { force: true });
        return Promise.resolve();
      });
      process.stdout.write(`ready in ${seconds(performance.now() - startedAt)} s; Ctrl-C stops it\n`);
      await new Promise<never>(() => {
        // Keeps the process alive even when all addresses came from the environment and no child does.
        setInterval(() => undefined, 2 ** 30);
      });
    });
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(1);
}
