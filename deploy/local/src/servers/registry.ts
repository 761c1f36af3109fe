// The schema registry: Apicurio speaking Confluent's API, with its store in memory.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { registryJar } from '../artifacts.ts';
import { findJava } from '../java.ts';
import { spawnServer } from '../server.ts';
import type { Server, ServerOptions } from '../server.ts';
import { classArchive } from './class-archive.ts';

export const confluentPath = '/apis/ccompat/v7';

/** The address ends in the path of Confluent's API, as clients of a Confluent registry want it. A restart forgets all. */
export async function startRegistry(options: ServerOptions): Promise<Server> {
  const [jar, java] = [await registryJar(options.log), await findJava(21, options.log)];
  const startedAt = performance.now();
  const home = join(options.directory, 'registry');
  mkdirSync(home, { recursive: true });
  const archive = classArchive('registry', java, jar);
  const address = `http://127.0.0.1:${options.port}${confluentPath}`;
  return spawnServer({
    ...options,
    name: 'registry',
    address,
    startedAt,
    command: [
      java.path,
      '-Xmx256m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      ...archive.flags,
      '-Dquarkus.http.host=127.0.0.1',
      `-Dquarkus.http.port=${options.port}`,
      // Health and metrics have a port of their own, 9000 by default: two registries would fight over it. 0 is any.
      '-Dquarkus.management.host=127.0.0.1',
      '-Dquarkus.management.port=0',
      // 20 connections to an in-memory store at the start would be a second of the start.
      ...['initial', 'min'].map((bound) => `-Dapicurio.datasource.jdbc.${bound}-size=1`),
      '-Dapicurio.datasource.jdbc.max-size=5',
      '-Dquarkus.http.access-log.enabled=false',
      '-Dquarkus.log.level=WARN',
      '-Dquarkus.banner.enabled=false',
      `-Djava.io.tmpdir=${home}`,
      '-jar',
      jar,
    ],
    env: { ...process.env, HOME: home },
    probe: () => askRegistry(address),
    endsInOrder: archive.writes,
    stopGraceMs: 30_000,
    afterStop: archive.keep,
  });
}

/** Rejects unless it lists its subjects. */
export async function askRegistry(address: string): Promise<void> {
  const response = await fetch(`${address}/subjects`, { signal: AbortSignal.timeout(2000) });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`GET ${address}/subjects answers ${response.status}`);
}
