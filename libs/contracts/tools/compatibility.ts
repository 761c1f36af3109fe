/**
 * FULL_TRANSITIVE without a server: the present schema must read everything that any released version wrote, and
 * every released version must read what the present one writes. Released versions are files that never change.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import avro from 'avsc';
import type { AvroRecord, SchemaFile } from './avro-files.ts';
import { fullName, namedRecords, schemasFolder, selfContained } from './avro-files.ts';
import { isEvent } from './render.ts';

type Released = { version: number; schema: AvroRecord };

const releasedFolder = (folder: string): string => join(folder, 'released');

function releasedVersions(folder: string, record: AvroRecord): Released[] {
  const place = join(releasedFolder(folder), fullName(record));
  if (!existsSync(place)) return [];
  return readdirSync(place)
    .map((file) => ({
      version: Number(file.slice(1, -'.avsc'.length)),
      schema: JSON.parse(readFileSync(join(place, file), 'utf8')) as AvroRecord,
    }))
    .toSorted((a, b) => a.version - b.version);
}

const parse = (schema: AvroRecord): avro.Type => avro.Type.forSchema(schema as avro.Schema, { registry: {} });

/** Why `reader` cannot read what `writer` wrote, or null when it can. */
function unreadable(reader: AvroRecord, writer: AvroRecord): string | null {
  try {
    parse(reader).createResolver(parse(writer));
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** One sentence for every broken pair and for every event whose present form was never released. */
export function compatibilityProblems(files: readonly SchemaFile[], folder = schemasFolder): string[] {
  const named = namedRecords(files);
  return files.filter(isEvent).flatMap((file) => {
    const present = selfContained(file.record, named);
    const released = releasedVersions(folder, present);
    const latest = released.at(-1);
    const problems = released.flatMap(({ version, schema }) => [
      ...describe(`${file.record.name} cannot read its version ${version}`, unreadable(present, schema)),
      ...describe(`version ${version} of ${file.record.name} cannot read the present one`, unreadable(schema, present)),
    ]);
    if (latest === undefined || JSON.stringify(latest.schema) !== JSON.stringify(present)) {
      problems.push(`${file.record.name} differs from its latest release: run \`npm run schemas -- release\``);
    }
    return problems;
  });
}

const describe = (what: string, why: string | null): string[] => (why === null ? [] : [`${what}: ${why}`]);

/** Writes the next version of every event that changed since its last release; refuses an incompatible change. */
export function release(files: readonly SchemaFile[], folder = schemasFolder): string[] {
  const named = namedRecords(files);
  const broken = compatibilityProblems(files, folder).filter((problem) => problem.includes('cannot read'));
  if (broken.length > 0) throw new Error(`incompatible with a released version:\n${broken.join('\n')}`);
  return files.filter(isEvent).flatMap((file) => {
    const present = selfContained(file.record, named);
    const latest = releasedVersions(folder, present).at(-1);
    if (latest !== undefined && JSON.stringify(latest.schema) === JSON.stringify(present)) return [];
    const place = join(releasedFolder(folder), fullName(present));
    mkdirSync(place, { recursive: true });
    const version = (latest?.version ?? 0) + 1;
    writeFileSync(join(place, `v${version}.avsc`), `${JSON.stringify(present, null, 2)}\n`);
    return [`${fullName(present)} v${version}`];
  });
}
