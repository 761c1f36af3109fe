/** A bounded memory whose entries end by themselves; full, it forgets its oldest entries. */

export type ExpiringMap<V> = {
  readonly get: (key: string) => V | undefined;
  readonly set: (key: string, value: V, until: number) => void;
};

export function expiringMap<V>(sizeMax: number, now: () => number): ExpiringMap<V> {
  const entries = new Map<string, { readonly value: V; readonly until: number }>();
  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      if (entry.until > now()) return entry.value;
      entries.delete(key);
      return undefined;
    },
    set(key, value, until) {
      entries.delete(key);
      entries.set(key, { value, until });
      // A Map keeps the order of insertion: its first key is the oldest.
      const oldest = entries.size > sizeMax ? entries.keys().next().value : undefined;
      if (oldest !== undefined) entries.delete(oldest);
    },
  };
}
