/** Loaded by `--import` before a program's first module: the planted bug is in the source that Node is given. */
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { filesOf, plant, plantedHere } from './plant.ts';

const bug = plantedHere();
if (bug !== null) {
  const files = filesOf(bug);
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const path = url.startsWith('file:') ? fileURLToPath(url) : '';
      if (!files.has(path)) return loaded;
      return { ...loaded, source: plant(bug, path, textOf(loaded.source)) };
    },
  });
}

function textOf(source: unknown): string {
  if (typeof source === 'string') return source;
  if (source instanceof Uint8Array) return Buffer.from(source).toString('utf8');
  throw new TypeError('a module without its text: no bug can be planted in it');
}
