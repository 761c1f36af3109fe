// `npm run doctor`: why is it stuck? One sentence, then the facts behind it. Exit 0 healthy, 1 something blocks, 2 cannot tell.
import { Command } from 'commander';
import { collectFacts, diagnose } from '@lead-flood/service';
import type { Diagnosis, DoctorAddresses } from '@lead-flood/service';
import { renderReport } from '../doctor/report.ts';
import { readProductAddresses } from '../product-addresses.ts';

interface Options {
  readonly json: boolean;
  readonly addresses?: string;
  readonly service: readonly string[];
}

export const exitCodes: Readonly<Record<Diagnosis['verdict'], number>> = { healthy: 0, blocked: 1, unknown: 2 };

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('why is it stuck? exit 0 healthy, 1 something blocks, 2 cannot tell')
    .option('--json', 'facts and diagnosis as JSON', false)
    .option('--addresses <file>', 'of a running product; .local/addresses.json of this clone otherwise')
    .option(
      '--service <name=url>',
      'operations port of a service, may be repeated; with KAFKA_BROKERS, DATABASE_URL, SCHEMA_REGISTRY_URL, REDIS_URL',
      (text: string, before: readonly string[]) => [...before, text],
      [],
    )
    .action(async (options: Options) => {
      const facts = await collectFacts(addressesOf(options));
      const diagnosis = diagnose(facts);
      process.stdout.write(
        options.json
          ? `${JSON.stringify({ ...diagnosis, facts }, undefined, 2)}\n`
          : renderReport(facts, diagnosis, process.stdout.isTTY),
      );
      // Clients of servers that are away go on trying in the background.
      process.exitCode = exitCodes[diagnosis.verdict];
      process.stdout.write('', () => process.exit());
    });
}

function addressesOf({ addresses, service }: Options): DoctorAddresses {
  const { KAFKA_BROKERS, SCHEMA_REGISTRY_URL, DATABASE_URL, REDIS_URL } = process.env;
  const product = readProductAddresses(addresses);
  const named = service.map((text) => {
    const [name = '', ...url] = text.split('=');
    return [name, url.join('=')] as const;
  });
  return {
    kafka: product?.kafka ?? KAFKA_BROKERS,
    registry: product?.registry ?? SCHEMA_REGISTRY_URL,
    postgres: product?.postgres ?? DATABASE_URL,
    redis: product?.redis ?? REDIS_URL,
    services: { ...product?.operations, ...Object.fromEntries(named) },
  };
}
