/**
 * How senders prove who they are, as values: each is a function of the post that says which secret would have made it.
 * Facts of the vendors' own documentation where a name stands in a comment; nothing here knows whose secret it is.
 */
import type { BinaryToTextEncoding } from 'node:crypto';
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { CodedError } from '@lead-flood/kernel';

export type SignedPost = {
  readonly raw: Buffer;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** As the sender has called it: scheme, host, path and query. */
  readonly url: string;
  /** `:token` of the path, where the sender has one. */
  readonly token: string | null;
};

export type Claim = {
  /** In constant time. */
  readonly isBy: (secret: string) => boolean;
  /** Null where the scheme has no time: then only the store of event ids stops a replay. */
  readonly sentAtSeconds: number | null;
};

/** Throws IGW_ERR_SIGNATURE_MISSING where there is nothing to check. */
export type SignatureScheme = (post: SignedPost) => Claim;

type HmacOptions = {
  readonly header: string;
  readonly algorithm?: 'sha256' | 'sha1';
  readonly encoding?: BinaryToTextEncoding & ('hex' | 'base64');
  /** Of which header the time comes, in seconds; part of what is signed only if `signed` says so. */
  readonly timestampHeader?: string;
  /** What stands before the raw bytes in what is signed. Default: nothing. */
  readonly before?: (post: SignedPost, timestamp: string) => string;
};

/** HMAC over the raw bytes: Yay (hex), Viber (hex), respond.io (hex), LINE (base64). */
export function hmac({ header, timestampHeader, before = () => '', ...how }: HmacOptions): SignatureScheme {
  return (post) => {
    const signature = headerOf(post, header);
    const timestamp = timestampHeader === undefined ? null : headerOf(post, timestampHeader);
    return {
      isBy: (secret) => isEqual(signature, digest([before(post, timestamp ?? ''), post.raw], secret, how)),
      sentAtSeconds: timestamp === null ? null : secondsOf(timestamp),
    };
  };
}

/** `<seconds>;<hex of "seconds.body">` in one header: Trengo. */
export function timeAndHmac({ header, separator = ';' }: { header: string; separator?: string }): SignatureScheme {
  return (post) => {
    const [timestamp = '', signature = ''] = headerOf(post, header).split(separator, 2);
    return {
      isBy: (secret) => isEqual(signature, digest([`${timestamp}.`, post.raw], secret, {})),
      sentAtSeconds: secondsOf(timestamp),
    };
  };
}

/** Several `v1,<base64 of "id.seconds.body">` apart by blanks, under a key in base64: Svix, and so Resend. */
export function svix(prefix = 'svix'): SignatureScheme {
  return (post) => {
    const id = headerOf(post, `${prefix}-id`);
    const timestamp = headerOf(post, `${prefix}-timestamp`);
    const signatures = headerOf(post, `${prefix}-signature`)
      .split(' ', SIGNATURES_MAX)
      .flatMap((one) => (one.startsWith('v1,') ? [one.slice(3)] : []));
    return {
      isBy: (secret) => {
        const key = Buffer.from(secret.startsWith('whsec_') ? secret.slice(6) : secret, 'base64');
        const right = digest([`${id}.${timestamp}.`, post.raw], key, { encoding: 'base64' });
        return signatures.some((signature) => isEqual(signature, right));
      },
      sentAtSeconds: secondsOf(timestamp),
    };
  };
}

/** base64 HMAC-SHA1 of the URL and the form's names and values in order of the names, run together: Twilio. */
export function urlAndForm(header: string): SignatureScheme {
  return (post) => {
    const signature = headerOf(post, header);
    // By code units, as Twilio's own libraries sort; a name that comes twice keeps the order of its values.
    const fields = [...new URLSearchParams(post.raw.toString('utf8'))].toSorted(([a], [b]) =>
      a < b ? -1 : Number(a > b),
    );
    const signed = post.url + fields.flat().join('');
    return {
      isBy: (secret) => isEqual(signature, digest([signed], secret, { algorithm: 'sha1', encoding: 'base64' })),
      sentAtSeconds: null,
    };
  };
}

/** The secret itself in a header: Telegram, Sendblue, NHN, Sales Navigator. */
export function secretHeader(header: string): SignatureScheme {
  return (post) => {
    const told = headerOf(post, header);
    return { isBy: (secret) => isEqual(told, secret), sentAtSeconds: null };
  };
}

/** No signature at all (2Chat): the path ends with the secret. It stands in the sender's settings and in access logs. */
export const secretPath: SignatureScheme = ({ token }) => {
  if (token === null) throw missing('the path');
  return { isBy: (secret) => isEqual(token, secret), sentAtSeconds: null };
};

const SIGNATURES_MAX = 10;
const SECONDS = /^\d{9,11}$/;

/** NaN is never within the bounds of a clock. */
const secondsOf = (timestamp: string): number => (SECONDS.test(timestamp) ? Number(timestamp) : Number.NaN);

function headerOf({ headers }: SignedPost, name: string): string {
  const value = headers[name];
  if (typeof value !== 'string' || value === '') throw missing(name);
  return value;
}

const missing = (name: string): CodedError =>
  new CodedError('IGW_ERR_SIGNATURE_MISSING', `send ${name}: without it nobody knows who has sent this`);

function digest(
  parts: readonly (string | Buffer)[],
  key: string | Buffer,
  { algorithm = 'sha256', encoding = 'hex' }: Pick<HmacOptions, 'algorithm' | 'encoding'>,
): string {
  const made = createHmac(algorithm, key);
  for (const part of parts) made.update(part);
  return made.digest(encoding);
}

/** Of hashes, so that neither content nor length of the right one can be told from the time that it takes. */
const isEqual = (told: string, right: string): boolean => timingSafeEqual(hashOf(told), hashOf(right));
const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest();
