/** docker-compose.yml, as far as it can be checked without an engine: names, ports, images, dashboards, the deployment step. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { topics } from '@lead-flood/contracts';
import { createTestDatabase } from '@lead-flood/testing';
import { readConfig, sharedConfig } from '../libs/service/src/config.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const yaml = createRequire(import.meta.url)('yaml') as { parse: (text: string, options?: object) => unknown };

const composeFile = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      command: z.array(z.string()).optional(),
      environment: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
      ports: z.array(z.string()).default([]),
      volumes: z.array(z.string()).default([]),
      depends_on: z
        .union([z.array(z.string()), z.record(z.string(), z.unknown()).transform((all) => Object.keys(all))])
        .default([]),
    }),
  ),
  volumes: z.record(z.string(), z.unknown()),
});

/** `${NAME:-usual}` as an empty environment would have it. */
const substituted = (text: string): string => text.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1');

const compose = composeFile.parse(yaml.parse(substituted(read('docker-compose.yml')), { merge: true }));
const names = readdirSync(join(root, 'services'));
const serviceOf = (name: string) => {
  const service = compose.services[name];
  if (service === undefined) throw new Error(`docker-compose.yml has no ${name}`);
  return service;
};
const environmentOf = (name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(serviceOf(name).environment).map(([key, value]) => [key, String(value)]));

const hasCompose = spawnSync('docker', ['compose', 'version'], { stdio: 'ignore' }).status === 0;

describe('docker-compose.yml', () => {
  it.skipIf(!hasCompose)('is what docker compose understands (skipped where the plugin is absent)', async () => {
    await promisify(execFile)('docker', ['compose', 'config', '-q'], { cwd: root });
  });

  it('has all seven services', () => {
    expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(names));
  });

  it.each(names)('gives %s settings that it knows and accepts', async (name) => {
    const { config } = (await import(join(root, 'services', name, 'src/config.ts'))) as { config: z.ZodObject };
    const known = new Set([...Object.keys(sharedConfig.shape), ...Object.keys(config.shape)]);
    const environment = environmentOf(name);
    expect(Object.keys(environment).filter((key) => !known.has(key))).toEqual([]);
    expect(() => [readConfig(sharedConfig, environment), readConfig(config, environment)]).not.toThrow();
  });

  it.each(names)('starts %s by a file that is there', (name) => {
    const file = serviceOf(name).command?.at(-1) ?? '';
    expect(file).toBe(`services/${name}/src/main.ts`);
    expect(existsSync(join(root, file))).toBe(true);
  });

  it('pins every image', () => {
    const loose = Object.values(compose.services).filter(({ image }) => !/^[\w./-]+:(?!latest)[\w.-]+$/.test(image));
    expect(loose.map(({ image }) => image)).toEqual([]);
  });

  it('publishes each port once, and on this machine only', () => {
    const published = Object.values(compose.services).flatMap(({ ports }) => ports);
    expect(published.filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port))).toEqual([]);
    const outside = published.map((port) => port.split(':')[1]);
    expect(new Set(outside).size).toBe(outside.length);
  });

  it('points only at hosts and ports that are there', () => {
    const hosts = new Set(Object.keys(compose.services));
    const addresses = names.flatMap((name) =>
      Object.values(environmentOf(name)).flatMap((value) =>
        [...value.matchAll(/(?:\/\/(?:[^@/]*@)?|^)([a-z-]+):(\d+)/g)].map(([, host = '', port = '']) => ({
          host,
          port,
        })),
      ),
    );
    expect(addresses.length).toBeGreaterThan(names.length * 3);
    expect(addresses.filter(({ host }) => !hosts.has(host))).toEqual([]);
    const wrongPort = addresses.filter(
      ({ host, port }) => names.includes(host) && environmentOf(host)['HTTP_PORT'] !== port,
    );
    expect(wrongPort).toEqual([]);
  });

  it('waits only for services, and mounts only files, that exist', () => {
    for (const { depends_on: before, volumes } of Object.values(compose.services)) {
      expect(before.filter((name) => compose.services[name] === undefined)).toEqual([]);
      for (const [from = ''] of volumes.map((volume) => volume.split(':'))) {
        expect(from.startsWith('./') ? existsSync(join(root, from)) : from in compose.volumes, from).toBe(true);
      }
    }
  });

  it('has an image that copies what the services import, and does not run as root', () => {
    const dockerfile = read('deploy/Dockerfile');
    const stages = dockerfile.split(/^FROM /m).slice(1);
    expect(stages.every((stage) => /^(node:\d+\.\d+\.\d+-\w+-slim|manifests) AS/.test(stage))).toBe(true);
    for (const target of ['tools', 'service']) {
      const stage = stages.find((text) => text.includes(` AS ${target}\n`)) ?? '';
      expect(stage).toContain('COPY libs/ libs/');
      expect(stage).toContain('COPY services/ services/');
      expect(stage).toContain('USER node');
    }
    expect(stages.find((text) => text.includes(' AS dependencies\n'))).toContain('trim-manifests.js');
  });
});

describe('monitoring', () => {
  it('scrapes every service where it tells its metrics', () => {
    const { scrape_configs: jobs } = z
      .object({
        scrape_configs: z.array(z.object({ static_configs: z.array(z.object({ targets: z.array(z.string()) })) })),
      })
      .parse(yaml.parse(read('deploy/compose/prometheus.yml')));
    const targets = jobs.flatMap((job) => job.static_configs.flatMap((part) => part.targets));
    expect(targets.toSorted()).toEqual(
      names.map((name) => `${name}:${environmentOf(name)['METRICS_PORT'] ?? ''}`).toSorted(),
    );
  });

  it('shows only metrics that exist', () => {
    const panels = z
      .object({ panels: z.array(z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })) })) })
      .parse(JSON.parse(read('deploy/compose/grafana/dashboards/line.json')));
    const told = ['libs/service/src/metrics.ts', ...names.map((name) => `services/${name}/src/metrics.ts`)]
      .filter((path) => existsSync(join(root, path)))
      .map(read)
      .join('\n');
    const missing = panels.panels.flatMap(({ title, targets }) =>
      targets
        .flatMap(({ expr }) => expr.match(/leadflood_\w+/g) ?? [])
        .flatMap((name) =>
          told.includes(`'${name.replace(/_(bucket|sum|count)$/, '')}'`) ? [] : [`${title}: ${name}`],
        ),
    );
    expect(missing).toEqual([]);
    expect(panels.panels.length).toBeGreaterThan(8);
  });
});

describe('the deployment step', () => {
  it('makes topics, schemas and the demo organisation, and may run again', async () => {
    const made = await createTestDatabase({
      schema: 'ingest_gateway',
      migrations: join(root, 'services/ingest-gateway/migrations'),
    });
    try {
      const prepare = () =>
        promisify(execFile)(process.execPath, [join(root, 'deploy/compose/prepare.ts')], {
          cwd: root,
          env: { ...process.env, DATABASE_URL: made.url },
        });
      await prepare();
      const { stdout } = await prepare();
      expect(stdout).toContain('topics created: 0');
      expect(stdout).toMatch(/schemas registered: \d\d/);
      expect(stdout).toContain('@demo.lead-flood.example');
      expect(Object.keys(topics).length).toBeGreaterThan(10);
    } finally {
      await made.drop();
    }
  });
});
