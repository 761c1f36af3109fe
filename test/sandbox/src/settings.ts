// What can be changed while the sandbox runs, with bounds and defaults: how each provider behaves and how
// prospects answer mail. Money is in micro US dollars (1,000,000 = 1 USD), whole numbers.
import { z } from 'zod';

export const providerNames = ['apollo', 'hunter', 'pdl', 'trengo'] as const;
export type ProviderName = (typeof providerNames)[number];

const modes = ['ok', 'slow', 'down', 'rate-limited', 'reset', 'garbage', 'lost'] as const;

const providerShape = z.strictObject({
  /** share of the people asked for that the provider knows; for Trengo, of the numbers that have WhatsApp */
  hitRate: z.number().min(0).max(1),
  /** milliseconds, log-normal through these two points; both 0 answers at once */
  latencyMs: z
    .strictObject({ p50: z.number().min(0).max(60_000), p99: z.number().min(0).max(120_000) })
    .refine(({ p50, p99 }) => p99 >= p50, 'p99 is below p50'),
  /** share of requests that fail with `failStatus` although the mode is ok; drawn per request, so a retry may pass */
  errorRate: z.number().min(0).max(1),
  failStatus: z.number().int().min(400).max(599),
  retryAfterSeconds: z.number().int().min(0).max(3_600),
  /** micro US dollars for a found person or an accepted message; a miss costs nothing */
  pricePerHit: z.number().int().min(0).max(1_000_000_000),
  mode: z.enum(modes),
  /** how long an answer takes in the mode slow, milliseconds */
  slowMs: z.number().int().min(0).max(120_000),
  /** true: a repeated Idempotency-Key is answered from memory and not accepted again */
  dedupe: z.boolean(),
  /** the only key accepted; null accepts any key but an empty one */
  apiKey: z.string().min(1).nullable(),
});
export type ProviderSettings = z.infer<typeof providerShape>;
export const providerPatch = providerShape.partial();
export type ProviderPatch = z.infer<typeof providerPatch>;

export const deliverTo = z.strictObject({ url: z.url({ protocol: /^https?$/ }), secret: z.string().min(1) });
export type DeliverTo = z.infer<typeof deliverTo>;

const mailShape = z.strictObject({
  /** share of the recipients who answer; the same recipients for the same seed */
  replyRate: z.number().min(0).max(1),
  /** from accepting a mail to posting the reply */
  delayMs: z.number().int().min(0).max(600_000),
  /** where replies are posted; null: nobody answers */
  deliverTo: deliverTo.nullable(),
  /** down refuses with 421; lost accepts and logs, then drops the connection before saying so */
  mode: z.enum(['ok', 'down', 'lost']),
  /** share of mails refused with 451 (try again later) */
  errorRate: z.number().min(0).max(1),
});
export type MailSettings = z.infer<typeof mailShape>;
export const mailPatch = mailShape.partial();
export type MailPatch = z.infer<typeof mailPatch>;

const anyProvider: ProviderSettings = {
  hitRate: 1,
  latencyMs: { p50: 0, p99: 0 },
  errorRate: 0,
  failStatus: 503,
  retryAfterSeconds: 1,
  pricePerHit: 0,
  mode: 'ok',
  slowMs: 15_000,
  dedupe: false,
  apiKey: null,
};

const mailDefaults: MailSettings = { replyRate: 0, delayMs: 0, deliverTo: null, mode: 'ok', errorRate: 0 };

/** Prices are near the list prices of 2026, for plausible sums, not for quoting. */
const providerDefaults: Record<ProviderName, ProviderSettings> = {
  apollo: { ...anyProvider, hitRate: 0.7, pricePerHit: 20_000 },
  hunter: { ...anyProvider, hitRate: 0.6, pricePerHit: 34_000 },
  pdl: { ...anyProvider, hitRate: 0.5, pricePerHit: 280_000 },
  trengo: { ...anyProvider, pricePerHit: 75_000 },
};

export interface Settings {
  providers: Record<ProviderName, ProviderSettings>;
  mail: MailSettings;
}

export interface StartSettings {
  readonly providers?: { readonly [name in ProviderName]?: ProviderPatch };
  readonly mail?: MailPatch;
}

/** The defaults with the changes given at start; `reset` comes back to this. */
export function initialSettings(changes: StartSettings): Settings {
  const of = (name: ProviderName): ProviderSettings => change(providerDefaults[name], changes.providers?.[name] ?? {});
  return {
    providers: { apollo: of('apollo'), hunter: of('hunter'), pdl: of('pdl'), trengo: of('trengo') },
    mail: change(mailDefaults, changes.mail ?? {}),
  };
}

/** `base` with the keys of `patch` that are there; a key that holds undefined changes nothing. */
export function change<T extends object>(base: T, patch: { readonly [key in keyof T]?: T[key] | undefined }): T {
  const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
  return { ...base, ...given };
}
