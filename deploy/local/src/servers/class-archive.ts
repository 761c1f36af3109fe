// Java's class archives (AppCDS): the first run of a server writes one at its end, later runs map it and start in a
// third of the time. A damaged or foreign archive is ignored by Java, so it can only cost time.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from '../cache.ts';
import type { Java } from '../java.ts';

export interface ClassArchive {
  readonly flags: readonly string[];
  /** True when this run writes the archive, which takes an orderly end. */
  readonly writes: boolean;
  /** Puts the written archive in its place; to be called with the process gone. */
  keep(): void;
}

/** `classPath` and the Java version are part of the name: an archive fits exactly one of each. */
export function classArchive(name: string, java: Java, classPath: string): ClassArchive {
  const key = createHash('sha256').update(`${java.path}\n${java.version}\n${classPath}`).digest('hex').slice(0, 12);
  const directory = join(cacheDirectory(), 'class-archives');
  const path = join(directory, `${name}-${key}.jsa`);
  if (existsSync(path)) {
    return { flags: [`-XX:SharedArchiveFile=${path}`, '-Xshare:auto', '-Xlog:cds=off'], writes: false, keep: () => {} };
  }
  mkdirSync(directory, { recursive: true });
  const draft = `${path}.${process.pid}.draft`;
  return {
    flags: [`-XX:ArchiveClassesAtExit=${draft}`, '-Xlog:cds=off', '-Xlog:cds+dynamic=off'],
    writes: true,
    keep: () => {
      if (existsSync(draft)) renameSync(draft, path);
    },
  };
}
