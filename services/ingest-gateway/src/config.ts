/** What the gateway reads from its surroundings; limits are settings, since the demo and load tests raise them. */
import { z } from 'zod';
import { derivedId, isId } from '@lead-flood/kernel';
import { sharedConfig } from '@lead-flood/service';

/** The organisation of everything that names none (decision C-26). */
export const defaultOrgId = derivedId('lead-flood', 'organization', 'demo');

const count = (usual: number) => z.coerce.number().int().min(1).max(100_000_000).default(usual);
const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true');
const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );
const UUID_LENGTH = 36;
const secret = z.string().min(16).optional();

/** `organisation=secret,...`; a secret has 16 characters or more, and no comma. */
const secretsByOrg = list
  .transform((pairs) =>
    pairs.map((pair) => ({
      orgId: pair.slice(0, UUID_LENGTH).toLowerCase(),
      secret: pair.slice(UUID_LENGTH + 1),
      pair,
    })),
  )
  .refine(
    (pairs) =>
      pairs.every(({ orgId, secret: text, pair }) => isId(orgId) && pair.at(UUID_LENGTH) === '=' && text.length >= 16),
    {
      message: 'is not organisation=secret, or a secret is shorter than 16 characters',
    },
  )
  .transform((pairs) => pairs.map(({ orgId, secret: text }) => ({ orgId, secret: text })));

export const config = z
  .object({
    APP_ENV: sharedConfig.shape.APP_ENV,
    API_PORT: z.coerce
      .number()
      .int()
      .min(0)
      .max(65_535)
      .default(5050)
      .describe('Public port; 0 = any free one. Alias PORT.'),
    TRUSTED_PROXIES: list.describe(
      'Addresses or CIDR ranges whose X-Forwarded-For is believed, separated by commas; none.',
    ),
    CORS_ORIGINS: list.describe('Origins whose pages may call us, separated by commas; none.'),

    JWT_ACCESS_SECRET: z.string().min(32).describe('Signs access tokens; at least 32 characters. Alias JWT_SECRET.'),
    JWT_ISSUER: z.string().min(1).default('expert-sourcing-platform').describe('Claim iss.'),
    JWT_AUDIENCE: z.string().min(1).default('expert-sourcing-api').describe('Claim aud.'),
    ACCESS_TTL_SECONDS: z.coerce
      .number()
      .int()
      .min(10)
      .max(3_600)
      .default(900)
      .describe('Life of an access token of a session.'),
    JWT_ACCESS_TOKEN_TTL_SECONDS: z.coerce
      .number()
      .int()
      .min(10)
      .max(86_400)
      .default(3_600)
      .describe('Life of a token from /v1/auth/token.'),
    REFRESH_TTL_DAYS: z.coerce.number().int().min(1).max(90).default(7).describe('Life of a refresh token.'),
    AUTH_DEV_TOKEN_MINT: flag.describe('true: /v1/auth/token serves anybody. Refused in production.'),
    AUTH_ATTEMPTS_MAX: count(5).describe('Login attempts per address and e-mail in AUTH_ATTEMPTS_SECONDS.'),
    AUTH_ATTEMPTS_SECONDS: count(900).describe('Window of AUTH_ATTEMPTS_MAX, seconds.'),
    LOCKOUT_FAILURES: count(10).describe('Failed logins in a row that lock an e-mail address.'),
    LOCKOUT_SECONDS: count(900).describe('How long it stays locked, seconds.'),
    DEFAULT_ORG_ID: z.uuid().default(defaultOrgId).describe('Organisation of minted tokens and of Yay’s calls.'),

    REDIS_URL: z
      .string()
      .optional()
      .describe('Shares rate limits between replicas; without it each keeps to its own count.'),
    IP_LIMIT: count(300).describe('Requests per client address in IP_LIMIT_SECONDS.'),
    IP_LIMIT_SECONDS: count(60).describe('Window of IP_LIMIT, seconds.'),
    RATE_LIMIT_RPM: count(100).describe('Requests per user and minute.'),
    PLAN_LIMIT_FREE: count(100).describe('Requests per API key and hour, plan free.'),
    PLAN_LIMIT_STARTER: count(1_000).describe('The same, plan starter.'),
    PLAN_LIMIT_PRO: count(10_000).describe('The same, plan pro.'),
    PLAN_LIMIT_ENTERPRISE: count(1_000_000).describe('The same, plan enterprise.'),

    DISCOVERY_URL: z.url().optional().describe('Base address of the service; its routes answer 503 without it.'),
    SCORING_URL: z.url().optional().describe('The same.'),
    ENRICHMENT_URL: z.url().optional().describe('The same.'),
    OUTREACH_URL: z.url().optional().describe('The same.'),
    CALL_ALLOCATION_URL: z.url().optional().describe('The same.'),
    ANALYTICS_URL: z.url().optional().describe('The same.'),
    UPSTREAM_TIMEOUT_MS: z.coerce
      .number()
      .int()
      .min(100)
      .max(29_000)
      .default(20_000)
      .describe('Longest wait for a service’s answer, milliseconds.'),
    UPSTREAM_SOCKETS_MAX: z.coerce
      .number()
      .int()
      .min(1)
      .max(1_000)
      .default(128)
      .describe('Connections to one service.'),
    UPSTREAM_REQUESTS_MAX: count(256).describe('Requests that may be with one service at once; more are 503.'),

    YAY_WEBHOOK_SECRET: secret.describe(
      'HMAC secret of Yay’s webhooks; without it the door answers provider_not_configured.',
    ),
    YAY_WEBHOOK_SECRET_PREVIOUS: secret.describe('Also accepted, while the secret is being changed.'),
    YAY_WEBHOOK_SECRETS: secretsByOrg.describe(
      'Secrets of organisations with Yay accounts of their own: organisation=secret, separated by commas; two of one while it is being changed.',
    ),
    MAIL_WEBHOOK_SECRET: secret.describe('HMAC secret of inbound mail.'),
    MAIL_THREAD_SECRET: z
      .string()
      .min(32)
      .optional()
      .describe('Signs the Message-IDs that we send; shared with outreach. Required with MAIL_WEBHOOK_SECRET.'),
    MAIL_THREAD_SECRET_PREVIOUS: z
      .string()
      .min(32)
      .optional()
      .describe('Also accepted in answers, while the secret is being changed and as long as people may answer.'),
    MAIL_DOMAIN: z.string().default('mail.lead-flood.example').describe('Right side of the Message-IDs that we send.'),

    UPLOAD_BYTES_MAX: z.coerce
      .number()
      .int()
      .min(1)
      .max(4_000_000_000)
      .default(10_485_760)
      .describe('Largest CSV file, bytes; on disk while it is read.'),
    UPLOAD_ROWS_MAX: count(10_000).describe('Most rows of a CSV file.'),
    UPLOADS_AT_ONCE_MAX: count(8).describe('CSV files that one process receives and reads at once; more are 503.'),
    UPLOADS_AT_ONCE_OF_ONE_MAX: count(6).describe(
      'The same of one organisation; all but one of them at most, where there are more than one.',
    ),
    ADMISSION_WAITING_MAX: count(2_000_000).describe(
      'Leads of files and lists that may wait to be let in, three quarters of them of one organisation; more are 503.',
    ),
    ADMISSION_PER_SECOND_MAX: count(50_000).describe(
      'Leads of files and lists that may be let in a second, however fast the line is.',
    ),
    ADMISSION_BESIDE_PER_SECOND_MAX: count(100).describe(
      'The same while leads come in one by one as well, each replica: what the line can do besides, with short queues.',
    ),
    ADMISSION_GROUPS: list
      .default(['discovery', 'enrichment', 'scoring', 'outreach'])
      .describe('Consumer groups whose waits slow down what files and lists let in; none: as fast as it goes.'),
  })
  .refine((c) => !(c.APP_ENV === 'production' && c.AUTH_DEV_TOKEN_MINT), {
    message: 'IGW_ERR_CONFIG: anybody could mint an administrator’s token in production',
    path: ['AUTH_DEV_TOKEN_MINT'],
  })
  .refine(
    ({ YAY_WEBHOOK_SECRET: one, YAY_WEBHOOK_SECRET_PREVIOUS: previous, YAY_WEBHOOK_SECRETS: others }) => {
      const all = [one, previous, ...others.map((other) => other.secret)].filter((text) => text !== undefined);
      return new Set(all).size === all.length;
    },
    {
      message: 'IGW_ERR_CONFIG: a secret is there twice, and could not say whose the event is',
      path: ['YAY_WEBHOOK_SECRETS'],
    },
  )
  .refine((c) => c.MAIL_WEBHOOK_SECRET === undefined || c.MAIL_THREAD_SECRET !== undefined, {
    message: 'IGW_ERR_CONFIG: mail comes in, and no answer would find its thread',
    path: ['MAIL_THREAD_SECRET'],
  });

export type GatewayConfig = z.infer<typeof config>;
