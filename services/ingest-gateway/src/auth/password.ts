/** Passwords as argon2id digests in the PHC form `$argon2id$v=19$m=..,t=..,p=..$salt$digest`, so that costs can rise later. */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** OWASP's second recommendation: 19 MiB, two passes. About 20 ms here. */
const COSTS = { memory: 19_456, passes: 2, parallelism: 1 } as const;
const DIGEST_BYTES = 32;

const digestOf = promisify(argon2);

const PHC = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([\w+/]+)\$([\w+/]+)$/;

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');

export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(16);
  const digest = await digestOf('argon2id', { message: password, nonce, tagLength: DIGEST_BYTES, ...COSTS });
  return `$argon2id$v=19$m=${COSTS.memory},t=${COSTS.passes},p=${COSTS.parallelism}$${unpadded(nonce)}$${unpadded(digest)}`;
}

/** A digest that nobody's password has: an unknown e-mail must cost as much time as a known one. */
const nobodysHash = hashPassword(randomBytes(32).toString('base64'));

/** `null` stands for "no such user" and is never right. */
export async function isPassword(password: string, stored: string | null): Promise<boolean> {
  const [, memory, passes, parallelism, salt, digest] = PHC.exec(stored ?? (await nobodysHash)) ?? [];
  if (salt === undefined || digest === undefined) return false;
  const wanted = Buffer.from(digest, 'base64');
  const actual = await digestOf('argon2id', {
    message: password,
    nonce: Buffer.from(salt, 'base64'),
    tagLength: wanted.length,
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
  });
  return timingSafeEqual(wanted, actual) && stored !== null;
}
