// `npm run demo`: leads through three doors and everything that follows, checked. Uses a running `npm start`.
import { Command } from 'commander';
import { runDemo } from '../demo/run.ts';
import { printHints } from '../hints.ts';
import { runningProduct } from '../product-addresses.ts';
import { startEverything } from '../running.ts';

export function demoCommand(): Command {
  return new Command('demo')
    .description('send leads through everything, show progress, check the counts, print the funnel')
    .option('--leads <count>', 'how many submissions', (text) => Number.parseInt(text, 10), 3_000)
    .action(async ({ leads }: { leads: number }) => {
      const running = await runningProduct();
      if (running !== null) {
        process.stdout.write(`using the product that runs at ${running.gateway}\n`);
        const good = await runDemo(running, leads);
        printHints(running);
        process.exit(good ? 0 : 1);
      }
      const everything = await startEverything({ preferUsualPorts: true });
      const good = await runDemo(everything.addresses, leads);
      printHints(everything.addresses);
      process.stdout.write('The addresses above have ended with the demo; `npm start` leaves them running.\n');
      await everything.stop();
      process.exit(good ? 0 : 1);
    });
}
