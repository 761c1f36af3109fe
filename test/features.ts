/**
 * Which requirement is proven by which test: docs/features.md from the titles of the tests, the words from itself.
 * `node test/features.ts --write` brings the file up to date; features.test.ts fails when it is not.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..');
export const page = join(root, 'docs/features.md');

const tested = ['libs', 'services', 'deploy/local', 'load-tests', 'test'];

export const isRequirement = (id: string): boolean => /^(GW|DI|EN|SC|OU|CA|AN|SM|Q|C|X-[A-Z]+)-\d{2}$/.test(id);

export type Proof = { readonly id: string; readonly title: string; readonly service: string };

/** A title right behind `it(`, `test(`, `describe(` or the `)(` of a table of cases. A skipped test proves nothing. */
const titled =
  /(?:\b(?:it|test|describe)(?:\.(?!skip|todo|each)\w+)*|\))\(\s*(?:'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`|"((?:[^"\\\n]|\\.)*)")/g;

const idsIn = (title: string): string[] =>
  [...title.matchAll(/\[([^\]]*)\]/g)].flatMap(([, inside = '']) =>
    inside.split(/[\s,]+/).filter((id) => /^[A-Z]+(-[A-Z]+)?-\d+$/.test(id)),
  );

export function proofsIn(text: string, service: string): Proof[] {
  return [...text.matchAll(titled)].flatMap(([, single, template, double]) => {
    const title = (single ?? template ?? double ?? '').replaceAll(/\\(['"`])/g, '$1');
    return idsIn(title).map((id) => ({ id, title, service }));
  });
}

/** `services/discovery/test/lead.test.ts` belongs to discovery. */
const ownerOf = (path: string): string => {
  const [top = '', name = ''] = path.split('/');
  if (top === 'services') return name;
  if (top === 'libs') return `libs/${name}`;
  return top;
};

export function readProofs(): Proof[] {
  return tested.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .filter(
        (path) => path.endsWith('.test.ts') && !/node_modules|boundaries\/fixtures|features\.test\.ts$/.test(path),
      )
      .toSorted()
      .flatMap((path) => proofsIn(readFileSync(join(root, path), 'utf8'), ownerOf(path))),
  );
}

export type Row = {
  readonly id: string;
  readonly words: string;
  /** `whole`, `claimed` or `part: what is missing`; see the page's head. */
  readonly extent: string;
  readonly services: string;
  readonly titles: readonly string[];
};

const escaped = (text: string): string => text.replaceAll('|', String.raw`\|`);
const cells = (line: string): string[] =>
  line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll(String.raw`\|`, '|'));

export function readRows(text: string): Row[] {
  return text
    .split('\n')
    .filter((line) => /^\| [A-Z]/.test(line))
    .map((line) => {
      const [id = '', words = '', extent = '', services = '', titles = ''] = cells(line);
      return { id, words, extent, services, titles: titles.split('<br>').map((title) => title.trim()) };
    });
}

/** The order of the product's own list: services along the line first, then what crosses them. */
const groups = ['GW', 'DI', 'EN', 'SC', 'OU', 'CA', 'AN', 'SM', 'Q', 'X', 'C'];
const rank = (id: string): string => `${String(groups.indexOf(id.split('-')[0] ?? '')).padStart(2, '0')} ${id}`;

/** What people write about a row; the rest follows from the tests. */
export type Said = Pick<Row, 'words' | 'extent'>;

export function toRows(proofs: readonly Proof[], said: ReadonlyMap<string, Said>): Row[] {
  const ids = [...new Set(proofs.map(({ id }) => id))].toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
  return ids.map((id) => {
    const own = proofs.filter((proof) => proof.id === id);
    const unique = (values: readonly string[]): string[] => [...new Set(values)];
    return {
      id,
      words: said.get(id)?.words ?? '',
      // A new row is a claim until somebody has held it against its sentence.
      extent: said.get(id)?.extent ?? 'claimed',
      services: unique(own.map(({ service }) => service)).join(', '),
      titles: unique(own.map(({ title }) => title)),
    };
  });
}

const heading = `# Features

What the product does, row by row, and the test that shows it. A row is here when a test whose title carries its id
passes; what is not here is not claimed. \`test/features.test.ts\` keeps the page true in both directions, and
\`node test/features.ts --write\` renews the last two columns after a test was added or renamed.

The third column says how far it goes: _whole_ where somebody has held the test against the requirement's own sentence
and found all of it, _part_ with what is missing, _claimed_ where the test passes and nobody has compared them yet.
Only whole rows count as done.

<!-- prettier-ignore -->
| row | feature | extent | where | proof (test title) |
|---|---|---|---|---|
`;

export const render = (rows: readonly Row[]): string =>
  heading +
  rows
    .map(
      ({ id, words, extent, services, titles }) =>
        `| ${id} | ${escaped(words)} | ${escaped(extent)} | ${services} | ${titles.map(escaped).join('<br>')} |\n`,
    )
    .join('');

if (process.argv[1] === import.meta.filename) {
  if (!process.argv.includes('--write')) {
    process.stderr.write('node test/features.ts --write\n');
    process.exit(2);
  }
  const rows = toRows(readProofs(), new Map(readRows(readFileSync(page, 'utf8')).map((row) => [row.id, row])));
  writeFileSync(page, render(rows));
  const silent = rows.filter(({ words }) => words === '').map(({ id }) => id);
  process.stdout.write(`${rows.length} rows\n${silent.length === 0 ? '' : `without words: ${silent.join(', ')}\n`}`);
}
