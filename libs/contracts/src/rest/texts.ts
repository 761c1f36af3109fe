/** Texts of rows that are handed in by the thousand, where one broken character must not cost the row. */

/** Without NUL and halves of surrogate pairs: no column holds them, and no reader misses them. */
export const cleanText = (text: string): string => text.replaceAll('\0', '').replaceAll(/\p{Surrogate}/gu, '');

/** The same of every text in a JSON value, names included. */
export function cleanTexts<T>(value: T): T;
export function cleanTexts(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((inner) => cleanTexts<unknown>(inner));
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [cleanText(name), cleanTexts<unknown>(inner)]),
  );
}
