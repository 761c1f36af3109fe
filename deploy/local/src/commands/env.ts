// `env`: prints the addresses of the running stack as shell exports, for `eval "$(...)"`.
import { Command } from 'commander';
import { addressesFromEnvironment, readAddresses, toEnvironment } from '../addresses.ts';
import { addressesFile } from './stack.ts';

export function envCommand(): Command {
  return new Command('env').description('print the addresses of the running stack as shell exports').action(() => {
    const addresses = addressesFromEnvironment() ?? readAddresses(addressesFile);
    for (const [name, value] of Object.entries(toEnvironment(addresses))) {
      process.stdout.write(`export ${name}='${value}'\n`);
    }
  });
}
