/** Writes what is generated from `schemas/`, or with `check` says which committed file is not what it would write. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { format } from 'prettier';
import { readSchemas, readTopics } from './avro-files.ts';
import { renderCatalogue, renderEvents, renderSchemas, renderTopics } from './render.ts';

const root = join(import.meta.dirname, '../../..');
const style = { singleQuote: true, semi: true, trailingComma: 'all', printWidth: 120 } as const;

async function generatedFiles(): Promise<Map<string, string>> {
  const files = readSchemas();
  const topics = readTopics();
  const typescript = (text: string): Promise<string> => format(text, { ...style, parser: 'typescript' });
  return new Map([
    ['libs/contracts/src/generated/events.ts', await typescript(renderEvents(files))],
    ['libs/contracts/src/generated/topics.ts', await typescript(renderTopics(topics))],
    ['libs/contracts/src/generated/avro.ts', await typescript(renderSchemas(files))],
    ['docs/events.md', await format(renderCatalogue(files, topics), { ...style, parser: 'markdown' })],
  ]);
}

export async function generate(): Promise<string[]> {
  const files = await generatedFiles();
  for (const [path, text] of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return [...files.keys()];
}

/** Paths of the generated files that are missing or stale. */
export async function stale(): Promise<string[]> {
  const files = await generatedFiles();
  return [...files]
    .filter(([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text)
    .map(([path]) => path);
}
