/**
 * Reads `schemas/`: one Avro type a file, `topics.json` beside them. Types refer to one another by full name; here
 * each event becomes self-contained (the first mention of a type is replaced by its definition), since that is what
 * a registry and a foreign client need.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type AvroField = { name: string; type: AvroType; doc?: string; default?: unknown };
export type AvroRecord = { type: 'record'; name: string; namespace?: string; doc?: string; fields: AvroField[] };
export type AvroType =
  | string
  | AvroRecord
  | { type: 'array'; items: AvroType }
  | { type: 'map'; values: AvroType }
  | { type: 'long'; logicalType: 'timestamp-millis' }
  | AvroType[];

export type TopicFile = {
  name: string;
  owner: string;
  /** Field of the event's data that is the record key; `null` when keys are the writer's own choice. */
  key: string | null;
  keyOf?: Record<string, string>;
  events: string[];
  partitions: number;
  retentionDays: number | null;
};

export type SchemaFile = { owner: string; record: AvroRecord };

export const schemasFolder = join(import.meta.dirname, '../../../schemas');

export const fullName = (record: AvroRecord): string => `${record.namespace ?? ''}.${record.name}`;

/** Every `<owner>/<Name>.avsc`, sorted; the folder `released` holds history and is left out. */
export function readSchemas(folder = schemasFolder): SchemaFile[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'released')
    .flatMap((owner) =>
      readdirSync(join(folder, owner.name))
        .filter((file) => file.endsWith('.avsc'))
        .map((file) => ({ owner: owner.name, record: readRecord(join(folder, owner.name, file)) })),
    )
    .toSorted((a, b) => (fullName(a.record) < fullName(b.record) ? -1 : 1));
}

export function readRecord(path: string): AvroRecord {
  return JSON.parse(readFileSync(path, 'utf8')) as AvroRecord;
}

export function readTopics(folder = schemasFolder): TopicFile[] {
  const file = JSON.parse(readFileSync(join(folder, 'topics.json'), 'utf8')) as { topics: TopicFile[] };
  return file.topics;
}

/** All named records, nested ones included, by full name. */
export function namedRecords(files: readonly SchemaFile[]): Map<string, AvroRecord> {
  const named = new Map<string, AvroRecord>();
  const visit = (type: AvroType): void => {
    if (typeof type === 'string') return;
    if (Array.isArray(type)) return type.forEach(visit);
    if (type.type === 'array') return visit(type.items);
    if (type.type === 'map') return visit(type.values);
    if (type.type !== 'record') return;
    named.set(fullName(type), type);
    type.fields.forEach((field) => {
      visit(field.type);
    });
  };
  files.forEach((file) => {
    visit(file.record);
  });
  return named;
}

/** The record with every referred type written out at its first mention. */
export function selfContained(record: AvroRecord, named: ReadonlyMap<string, AvroRecord>): AvroRecord {
  const written = new Set<string>();
  const expand = (type: AvroType): AvroType => {
    if (typeof type === 'string') {
      const target = named.get(type);
      return target === undefined || written.has(type) ? type : expandRecord(target);
    }
    if (Array.isArray(type)) return type.map(expand);
    if (type.type === 'array') return { ...type, items: expand(type.items) };
    if (type.type === 'map') return { ...type, values: expand(type.values) };
    if (type.type === 'record') return expandRecord(type);
    return type;
  };
  const expandRecord = (source: AvroRecord): AvroRecord => {
    written.add(fullName(source));
    return { ...source, fields: source.fields.map((field) => ({ ...field, type: expand(field.type) })) };
  };
  return expandRecord(record);
}
