// `npm start`: the whole product, until Ctrl-C.
import { Command } from 'commander';
import { printHints } from '../hints.ts';
import { removeProductAddresses, writeProductAddresses } from '../product-addresses.ts';
import { startEverything } from '../running.ts';
import { onShutdown } from '../shutdown.ts';

export function startCommand(): Command {
  return new Command('start')
    .description('start servers, sandbox and seven services, and stay until Ctrl-C')
    .action(async () => {
      // Those of an owner that was killed: nobody must connect to them while this one is starting.
      removeProductAddresses();
      const everything = await startEverything({ preferUsualPorts: true });
      writeProductAddresses(everything.addresses);
      onShutdown('the address file', () => {
        removeProductAddresses();
        return Promise.resolve();
      });
      printHints(everything.addresses);
      process.stdout.write('Ctrl-C stops everything\n');
      await new Promise<never>(() => {
        setInterval(() => undefined, 2 ** 30);
      });
    });
}
