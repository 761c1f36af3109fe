// Reading what a caller sent: headers, and parameters from the query or a JSON body, whichever has them; and country
// names as providers write them.
import { z } from 'zod';
import type { Ask } from '../door.ts';

export function header(ask: Ask, name: string): string | undefined {
  const value = ask.headers[name];
  return typeof value === 'string' ? value : undefined;
}

export function bearer(ask: Ask): string | undefined {
  return /^Bearer\s+(\S+)$/i.exec(ask.headers.authorization ?? '')?.[1];
}

const jsonObject = z.record(z.string(), z.unknown());

/** A reader of one parameter; blank ones count as absent, as providers do it. */
export function parameters(ask: Ask): (name: string) => string | undefined {
  const body = typeof ask.body === 'object' && ask.body !== null ? jsonObject.safeParse(ask.body).data : undefined;
  return (name) => {
    const value = body?.[name] ?? ask.query.get(name);
    const text =
      typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
    return text.trim() === '' ? undefined : text;
  };
}

const names = new Intl.DisplayNames('en', { type: 'region' });
const known = new Map<string, string>();

/** `DE` -> `Germany`; the code itself when there is no such country. */
export function countryName(iso: string): string {
  let name = known.get(iso);
  if (name === undefined) {
    name = names.of(iso) ?? iso;
    known.set(iso, name);
  }
  return name;
}
