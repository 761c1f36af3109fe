// Where to look next: addresses, users, and requests that work as they are printed.
import pc from 'picocolors';

export interface ProductAddresses {
  readonly gateway: string;
  readonly kafka: string;
  readonly registry: string;
  readonly postgres: string;
  readonly redis: string;
  readonly sandbox: string;
  readonly mail: string;
  readonly org: string;
  readonly apiKey: string;
  readonly mailSecret: string;
  readonly yaySecret: string;
  readonly operations: Readonly<Record<string, string>>;
  readonly users: readonly { readonly role: string; readonly email: string; readonly password: string }[];
}

export function printHints(addresses: ProductAddresses): void {
  const { gateway, apiKey } = addresses;
  const row = (name: string, value: string): string => `  ${name.padEnd(10)} ${value}`;
  const lines = [
    '',
    pc.bold('Where to look next'),
    row('REST', `${gateway}  (docs: ${gateway}/docs, OpenAPI: ${gateway}/openapi.json)`),
    row('Kafka', addresses.kafka),
    row('registry', addresses.registry),
    row('Postgres', addresses.postgres),
    row('sandbox', `${addresses.sandbox}  (mails: ${addresses.sandbox}/_control/mails)`),
    row(
      'metrics',
      Object.entries(addresses.operations)
        .map(([name, url]) => `${name} ${url}/metrics`)
        .join('\n             '),
    ),
    row('API key', apiKey),
    row(
      'users',
      addresses.users.map(({ role, email, password }) => `${email} / ${password}  (${role})`).join('\n             '),
    ),
    '',
    pc.bold('Try'),
    `  curl -s ${gateway}/v1/analytics/funnel -H 'authorization: Bearer ${apiKey}'`,
    `  curl -s '${gateway}/v1/leads?band=HIGH&limit=2' -H 'authorization: Bearer ${apiKey}'`,
    `  curl -s ${gateway}/v1/leads -H 'authorization: Bearer ${apiKey}' -H 'content-type: application/json' -d '{"email":"ada@calculators.gb.example","firstName":"Ada","company":"Calculators"}'`,
    '',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
