// .local/addresses.json of a running product: written when everything is ready, read by `npm run demo` and by people.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { ProductAddresses } from './hints.ts';
import type { Product } from './product.ts';
import type { Stack } from './stack.ts';
import { repositoryRoot } from './stack.ts';

export const addressesFile = join(repositoryRoot, '.local', 'addresses.json');

const text = z.string().min(1);
const shape = z.object({
  gateway: text,
  kafka: text,
  registry: text,
  postgres: text,
  redis: text,
  sandbox: text,
  mail: text,
  org: text,
  apiKey: text,
  mailSecret: text,
  yaySecret: text,
  operations: z.record(z.string(), z.string()),
  users: z.array(z.object({ role: text, email: text, password: text })),
});

export const toProductAddresses = (stack: Stack, product: Product): ProductAddresses => ({
  gateway: product.gateway,
  ...stack.addresses,
  sandbox: product.sandbox,
  mail: product.mail,
  org: product.seeds.orgId,
  apiKey: product.seeds.apiKey,
  mailSecret: product.secrets.mail,
  yaySecret: product.secrets.yay,
  operations: product.operations,
  users: product.seeds.users.map(({ role, email, password }) => ({ role, email, password })),
});

/** Replaces the file as a whole: a reader sees the old addresses or the new ones. Readable by its owner only: it holds keys. */
export function writeProductAddresses(addresses: ProductAddresses, path = addressesFile): void {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(addresses, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(draft, path);
}

export const removeProductAddresses = (path = addressesFile): void => {
  rmSync(path, { force: true });
};

/** What the file says, whether or not anything still answers there; null without a readable file. */
export function readProductAddresses(path = addressesFile): ProductAddresses | null {
  if (!existsSync(path)) return null;
  const parsed = shape.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  return parsed.success ? parsed.data : null;
}

/** The product that `npm start` has left running in this clone, or null: a file whose gateway does not answer is stale. */
export async function runningProduct(path = addressesFile): Promise<ProductAddresses | null> {
  const addresses = readProductAddresses(path);
  if (addresses === null) return null;
  try {
    const answer = await fetch(`${addresses.gateway}/health`, { signal: AbortSignal.timeout(2_000) });
    return answer.ok ? addresses : null;
  } catch {
    return null;
  }
}
