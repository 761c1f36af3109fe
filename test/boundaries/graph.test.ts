/**
 * The graph of workspace packages, from package.json and from what the sources really import: what is imported is
 * declared, what ships follows the layers, and nothing goes in a circle. `nx graph` draws the same from package.json.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const root = join(import.meta.dirname, '../..');

const manifest = z.object({
  name: z.string(),
  workspaces: z.array(z.string()).default([]),
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
  nx: z.object({ tags: z.array(z.string()) }).default({ tags: [] }),
});
type Manifest = z.infer<typeof manifest>;
type Import = { readonly from: string; readonly of: string; readonly shipped: boolean };
type Package = Manifest & { readonly folder: string; readonly imports: readonly Import[] };

const readManifest = (folder: string): Manifest =>
  manifest.parse(JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')));

const top = readManifest('.');

const folders = top.workspaces.flatMap((pattern) => {
  if (!pattern.endsWith('/*')) return [pattern];
  const parent = pattern.slice(0, -2);
  return readdirSync(join(root, parent)).map((name) => `${parent}/${name}`);
});

/** Tests, benchmarks and the tools that generate code never run in a service. */
const isShipped = (path: string): boolean => /(^|\/)src\//.test(path) && !/(^|\/)(test|tools|fixtures)\//.test(path);

/** `ns` in `import ns from 'package/part'`, dynamic imports and re-exports included; comments may not look like one. */
const statement =
  /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?\bfrom\s*'([^']+)'|(?:^|\n)\s*import\s*'([^']+)'|\bimport\('([^']+)'\)/g;

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

function importsOf(folder: string): Import[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/node_modules|boundaries\/fixtures/.test(name))
    .flatMap((name) => {
      const text = readFileSync(join(root, folder, name), 'utf8');
      return [...text.matchAll(statement)].flatMap(([, from, bare, dynamic]) => {
        const specifier = from ?? bare ?? dynamic ?? '';
        if (specifier.startsWith('.') || specifier.startsWith('node:') || builtinModules.includes(specifier)) return [];
        return [{ from: relative(root, join(root, folder, name)), of: packageOf(specifier), shipped: isShipped(name) }];
      });
    });
}

const packages: readonly Package[] = folders
  .filter((folder) => existsSync(join(root, folder, 'package.json')))
  .map((folder) => ({ folder, ...readManifest(folder), imports: importsOf(folder) }));

const byName = new Map(packages.map((one) => [one.name, one]));
const layerOf = (one: Manifest): string =>
  one.nx.tags.find((tag) => tag.startsWith('layer:'))?.slice('layer:'.length) ?? 'none';

/** From the ground up; packages of one row do not know each other. */
const rows = [
  ['kernel'],
  ['contracts'],
  ['kafka', 'postgres', 'provider'],
  ['processor'],
  ['service'],
  ['testing'],
  ['service-package'],
  ['tool'],
];
const heightOf = (one: Package): number =>
  rows.findIndex((row) => row.includes(one.folder.startsWith('services/') ? 'service-package' : layerOf(one)));

/** A circle among these edges, as the names along it, or null. */
function circle(edges: ReadonlyMap<string, readonly string[]>): readonly string[] | null {
  const done = new Set<string>();
  const walk = (name: string, path: readonly string[]): readonly string[] | null => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (done.has(name)) return null;
    for (const next of edges.get(name) ?? []) {
      const found = walk(next, [...path, name]);
      if (found !== null) return found;
    }
    done.add(name);
    return null;
  };
  for (const name of edges.keys()) {
    const found = walk(name, []);
    if (found !== null) return found;
  }
  return null;
}

const workspaceDependencies = (one: Package): string[] =>
  Object.keys(one.dependencies).filter((name) => byName.has(name));

describe('the graph of packages', () => {
  it('gives every workspace package a layer', () => {
    expect(packages.filter((one) => heightOf(one) < 0).map(({ name }) => name)).toEqual([]);
  });

  it('declares every package that shipped code imports', () => {
    const undeclared = packages.flatMap((one) =>
      one.imports
        .filter(({ of, shipped }) => shipped && of !== one.name && one.dependencies[of] === undefined)
        .map(({ from, of }) => `${from}: ${of}`),
    );
    expect([...new Set(undeclared)]).toEqual([]);
  });

  it('lets tests import, beyond that, only what the repository has for tests', () => {
    const forTests = new Set([
      ...Object.keys(top.devDependencies),
      '@lead-flood/testing',
      '@lead-flood/test',
      'fast-check',
      'avsc',
    ]);
    const strange = packages.flatMap((one) =>
      one.imports
        .filter(
          ({ of, shipped }) =>
            !shipped && of !== one.name && one.dependencies[of] === undefined && !forTests.has(of) && !byName.has(of),
        )
        .map(({ from, of }) => `${from}: ${of}`),
    );
    expect([...new Set(strange)]).toEqual([]);
  });

  it('keeps the layer order: kernel < contracts < { kafka, postgres, provider } < processor < service < services', () => {
    const upward = packages.flatMap((one) =>
      workspaceDependencies(one).flatMap((name) => {
        const below = byName.get(name);
        if (below === undefined || layerOf(one) === 'tool') return [];
        return heightOf(below) < heightOf(one) ? [] : [`${one.name} -> ${name}`];
      }),
    );
    expect(upward).toEqual([]);
  });

  it('never lets shipped code import what is for tests or tools', () => {
    const shipping = packages.filter(
      (one) => ['libs', 'services'].includes(one.folder.split('/')[0] ?? '') && layerOf(one) !== 'testing',
    );
    const wrong = shipping.flatMap((one) =>
      one.imports
        .filter(({ of, shipped }) => shipped && ['testing', 'tool'].includes(layerOf(byName.get(of) ?? one)))
        .map(({ from, of }) => `${from}: ${of}`),
    );
    expect(wrong).toEqual([]);
  });

  it('goes in no circle among what ships', () => {
    // The local stack starts the sandbox, and the tests' set-up starts the local stack: tools, which nothing shipped knows.
    const shipping = packages.filter((one) => layerOf(one) !== 'tool');
    expect(circle(new Map(shipping.map((one) => [one.name, workspaceDependencies(one)])))).toBeNull();
  });

  it('goes in no circle among the imports of shipped code', () => {
    const edges = packages.map(
      (one) =>
        [
          one.name,
          [
            ...new Set(
              one.imports.filter(({ of, shipped }) => shipped && of !== one.name && byName.has(of)).map(({ of }) => of),
            ),
          ],
        ] as const,
    );
    expect(circle(new Map(edges))).toBeNull();
  });
});

describe('domain folders', () => {
  const domains = packages.flatMap((one) => {
    const folder = join(root, one.folder, 'src');
    const names = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
    return names.filter((name) => /(^|\/)domain(\.ts$|\/)/.test(name)).map((name) => join(one.folder, 'src', name));
  });

  it('are there in every service', () => {
    const services = packages.filter(({ folder }) => folder.startsWith('services/')).map(({ folder }) => folder);
    expect(services.filter((folder) => !domains.some((path) => path.startsWith(`${folder}/`)))).toEqual([]);
  });

  it('never ask what time it is', () => {
    const asking = domains.filter(
      (path) => path.endsWith('.ts') && /new Date\(\)|\bDate\(\)/.test(readFileSync(join(root, path), 'utf8')),
    );
    expect(asking).toEqual([]);
  });
});
