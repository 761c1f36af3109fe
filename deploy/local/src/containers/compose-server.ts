// What docker-compose.yml says of the four servers: one place for images and settings, whoever starts them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';
import type { ServerName } from '../server.ts';

const composeFile = join(fileURLToPath(new URL('../../../..', import.meta.url)), 'docker-compose.yml');

const service = z.object({
  image: z.string(),
  environment: z.record(z.string(), z.union([z.string(), z.number()]).transform(String)).default({}),
  command: z.array(z.string()).default([]),
  /** `address:outside:inside`, the one that clients of this machine use. */
  ports: z.array(z.string()).default([]),
});

export type ComposeServer = {
  readonly image: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  /** Inside of the container. */
  readonly port: number;
};

/** The compose file publishes no port of Redis. */
const redisPort = 6379;

/** `port` is where it will be reached on this machine: Kafka has to tell its clients. */
export function readComposeServer(name: ServerName, port: number): ComposeServer {
  const variables: Readonly<Record<string, string>> = { [`${name.toUpperCase()}_PORT`]: String(port) };
  const text = readFileSync(composeFile, 'utf8').replaceAll(
    /\$\{(\w+):-([^}]*)\}/g,
    (_, variable: string, usual: string) => variables[variable] ?? usual,
  );
  const { services } = z.object({ services: z.record(z.string(), z.unknown()) }).parse(parse(text, { merge: true }));
  const { image, environment, command, ports } = service.parse(services[name]);
  const inside = ports[0]?.split(':').at(-1);
  return { image, environment, command, port: inside === undefined ? redisPort : Number(inside) };
}
