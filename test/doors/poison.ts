/** Requests out of the contracts alone: a near-valid one for each route, and for each of its fields one with a poisoned value. */
import { z } from 'zod';
import type { Route } from '@lead-flood/contracts';
import { randomId } from '@lead-flood/kernel';

type Schema = {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
};

type Path = readonly (string | number)[];
type Leaf = { readonly path: Path; readonly schema: Schema };
export type Poisoned = {
  readonly what: string;
  readonly path: string;
  readonly body: string | undefined;
};

/** Fields whose rule only the code knows. */
const known: Readonly<Record<string, unknown>> = {
  email: 'sweep@aurora.se.example',
  phone: '+46701740605',
  linkedinUrl: 'https://www.linkedin.com/in/sweep',
  timezone: 'Europe/Stockholm',
  minCompanySize: 1,
  maxCompanySize: 2_000,
};
const A_LONE_SURROGATE = '%ED%A0%80';
const LONG = 'x'.repeat(10_000);

function sample(schema: Schema, name: string): unknown {
  if (name in known) return known[name];
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.const !== undefined) return schema.const;
  const [first] = schema.anyOf ?? [];
  if (first !== undefined) return sample(first, name);
  switch (schema.type) {
    case 'string':
      return sampleText(schema);
    case 'integer':
    case 'number':
      return Math.max(1, schema.minimum ?? 1);
    case 'boolean':
      return true;
    case 'array':
      return [sample(schema.items ?? {}, '')];
    case 'object':
      return sampleObject(schema);
    default:
      return 'sweep';
  }
}

function sampleText({ format, pattern }: Schema): string {
  if (format === 'uuid') return randomId();
  if (format === 'date-time') return '2026-01-01T00:00:00Z';
  if (format === 'email') return 'sweep@aurora.se.example';
  if (format === 'uri') return 'https://aurora.se.example/';
  return pattern === '^[A-Z]{2}$' ? 'SE' : 'sweep';
}

function sampleObject({ properties = {}, additionalProperties }: Schema): Record<string, unknown> {
  const fields = Object.entries(properties).map(([name, inner]) => [name, sample(inner, name)] as const);
  const free = typeof additionalProperties === 'object' ? additionalProperties : null;
  return Object.fromEntries(free === null ? fields : [...fields, ['note', sample(free, 'note')]]);
}

function leaves(schema: Schema, path: Path): Leaf[] {
  if (schema.anyOf !== undefined) return schema.anyOf.flatMap((inner) => leaves(inner, path));
  if (schema.type === 'array') return leaves(schema.items ?? {}, [...path, 0]);
  if (schema.type !== 'object') return schema.type === 'null' ? [] : [{ path, schema }];
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => leaves(inner, [...path, name]));
  const free = schema.additionalProperties;
  return typeof free === 'object' ? [...own, ...leaves(free, [...path, 'note'])] : own;
}

function poisons({ type, format }: Schema, good: unknown): [string, unknown][] {
  if (type === 'boolean') return [];
  if (type === 'integer' || type === 'number')
    return [3_000_000_000, -3_000_000_000, 2 ** 53, 1e308].map((value) => [`the number ${value}`, value]);
  const text = typeof good === 'string' ? good : 'sweep';
  const times = ['0000-01-01T00:00:00Z', '2026-01-01T00:00:00+23:59', '2026-01-01T00:00:00+16:00'];
  const decimals = `2026-01-01T00:00:00.${'1'.repeat(150)}Z`;
  return [
    ['NUL', `${text}\0`],
    ['half of a character', `${text}\ud800`],
    ['an id in capitals', randomId().toUpperCase()],
    ['10,000 characters', LONG],
    ['NUL in an escape', 'https://www.linkedin.com/in/sweep%00'],
    ...(format === 'date-time' ? [...times, decimals].map((at) => [`the time ${at}`, at] as [string, string]) : []),
    ...(text === 'sweep' ? [['a cursor of nobody', `Jan 1_${randomId()}`] as [string, string]] : []),
  ];
}

const jsonSchema = (schema: z.ZodType | undefined): Schema =>
  schema === undefined ? {} : (z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema);

const encoded = (value: unknown): string =>
  String(value)
    .split('\ud800')
    .map((part) => encodeURIComponent(part))
    .join(A_LONE_SURROGATE);

/** `ids`: what is really there, by the name of its parameter. */
export function poisoned(route: Route, ids: Readonly<Record<string, string>>): Poisoned[] {
  const paramsOf = (change: Leaf | null, value: unknown): string =>
    route.path.replaceAll(/:(\w+)/g, (_whole, name: string) =>
      encoded(change?.path[0] === name ? value : (ids[name] ?? randomId())),
    );
  const body = jsonSchema(route.body);
  const bodyText = (): string | undefined => (route.body === undefined ? undefined : JSON.stringify(sample(body, '')));
  const found: Poisoned[] = [];
  for (const leaf of leaves(jsonSchema(route.params), []).filter(({ path }) => path.length > 0))
    for (const [kind, value] of poisons(leaf.schema, ids[String(leaf.path[0])]))
      found.push({ what: `params.${leaf.path.join('.')}: ${kind}`, path: paramsOf(leaf, value), body: bodyText() });
  for (const leaf of leaves(jsonSchema(route.query), []).filter(({ path }) => path.length > 0))
    for (const [kind, value] of poisons(leaf.schema, sample(leaf.schema, String(leaf.path[0]))))
      found.push({
        what: `query.${leaf.path.join('.')}: ${kind}`,
        path: `${paramsOf(null, null)}?${String(leaf.path[0])}=${encoded(value)}`,
        body: bodyText(),
      });
  if (route.body === undefined) return found;
  for (const leaf of leaves(body, []))
    for (const [kind, value] of poisons(leaf.schema, sample(leaf.schema, String(leaf.path.at(-1)))))
      found.push({
        what: `body.${leaf.path.join('.')}: ${kind}`,
        path: paramsOf(null, null),
        body: JSON.stringify(replaced(sample(body, ''), leaf.path, value)),
      });
  return found;
}

function replaced(whole: unknown, [step, ...rest]: Path, value: unknown): unknown {
  if (step === undefined) return value;
  if (Array.isArray(whole))
    return whole.map((inner, i) => (i === step ? replaced(inner, rest, value) : (inner as unknown)));
  const fields = (typeof whole === 'object' && whole !== null ? whole : {}) as Readonly<Record<string, unknown>>;
  return { ...fields, [step]: replaced(fields[step], rest, value) };
}
