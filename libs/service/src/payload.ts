/** What a client sent, against its contract: the one place where params, query and body become values that can be stored. */
import type { z } from 'zod';
import { ApiError } from '@lead-flood/contracts';
import { isStorable } from '@lead-flood/postgres';

/** No contract nests deeper than five levels; what goes on for thousands overflows whoever walks it. */
const LEVELS_MAX = 32;

/** Refuses what the contract does not know; the details name every wrong field at once. */
export function parse<T extends z.ZodType>(
  schema: T | undefined,
  input: unknown,
  where: string,
): z.output<T> | Record<never, never> | undefined {
  if (schema === undefined) return where === 'body' ? undefined : {};
  if (isDeeperThan(LEVELS_MAX, input))
    throw refused(where, [{ path: where, message: `is nested deeper than ${LEVELS_MAX} levels`, code: 'too_deep' }]);
  const result = schema.safeParse(input ?? (where === 'body' ? undefined : {}));
  if (!result.success)
    throw refused(
      where,
      result.error.issues.map(({ path, message, code }) => ({ path: [where, ...path].join('.'), message, code })),
    );
  // Behind the schema, which may have mended a text; before any handler, since not every text meets a column.
  const unstorable = unstorableTexts(result.data, where);
  if (unstorable.length > 0)
    throw refused(
      where,
      unstorable.map((path) => ({ path, message: 'holds NUL or half of a character', code: 'unstorable_text' })),
    );
  return result.data;
}

type Issue = { readonly path: string; readonly message: string; readonly code: string };

const refused = (where: string, issues: readonly Issue[]): ApiError =>
  new ApiError('invalid_payload', `${where} is not as the contract says`, { issues });

function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(levels - 1, inner));
}

/** Paths of such texts; a name that is one stands for itself in the path of its object. */
function unstorableTexts(value: unknown, path: string): string[] {
  if (typeof value === 'string') return isStorable(value) ? [] : [path];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    isStorable(name) ? unstorableTexts(inner, `${path}.${name}`) : [path],
  );
}
