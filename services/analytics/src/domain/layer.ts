/** Facts about a person or a company in two layers; what discovery said wins, what enrichment found fills the gaps. */
import type { Layered, Sparse } from './document.ts';

export function sparse<T extends object>(full: T): Sparse<T> {
  return Object.fromEntries(Object.entries(full).filter(([, value]) => value !== null)) as Sparse<T>;
}

/** A finding that discovery has said already is dropped, so that the order of the two leaves no trace. */
function without<T>(found: Sparse<T>, given: Sparse<T>): Sparse<T> {
  const kept = Object.entries(found).filter(([name]) => !(name in given));
  return Object.fromEntries(kept) as Sparse<T>;
}

export function give<T extends object>(layers: Layered<T>, full: T): Layered<T> {
  const given = sparse(full);
  return { given, found: without(layers.found, given) };
}

export const find = <T extends object>(layers: Layered<T>, full: T): Layered<T> => ({
  given: layers.given,
  found: without(sparse(full), layers.given),
});

export const known = <T>(layers: Layered<T>): Sparse<T> => ({ ...layers.found, ...layers.given });
