/**
 * Configuration from the environment: one zod object per service, every problem reported at once, aliases of the
 * sources' names in one table (decision C-25).
 */
import { z } from 'zod';
import { CodedError } from '@lead-flood/kernel';

/** Older and foreign names: ours first, the others are looked at in this order when ours is absent. */
const aliases: Readonly<Record<string, readonly string[]>> = {
  API_PORT: ['PORT'],
  JWT_ACCESS_SECRET: ['JWT_SECRET'],
  REDIS_URL: ['UPSTASH_REDIS_URL'],
};

/** Read by every service. Each key: unit, default, one sentence. */
export const sharedConfig = z.object({
  APP_ENV: z
    .enum(['local', 'test', 'staging', 'production'])
    .default('local')
    .describe('Which surroundings; production refuses development doors.'),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('Least level that is written.'),
  KAFKA_BROKERS: z.string().min(1).describe('host:port, several separated by commas.'),
  SCHEMA_REGISTRY_URL: z.url().describe('Confluent-compatible registry, with its path.'),
  DATABASE_URL: z.string().min(1).describe('Postgres; each service uses its own schema in it.'),
  DATABASE_CONNECTIONS_MAX: z.coerce
    .number()
    .int()
    .min(3)
    .max(100)
    .default(10)
    .describe('Connections of this process.'),
  HTTP_HOST: z.string().default('127.0.0.1').describe('Address to listen on.'),
  HTTP_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(0)
    .describe('Port of the internal REST doors; 0 = any free one.'),
  METRICS_PORT: z.coerce.number().int().min(0).max(65_535).default(0).describe('Port of /metrics; 0 = any free one.'),
  PRINCIPAL_SECRET: z
    .string()
    .min(32)
    .describe('Shared by gateway and services: signs who is calling. At least 32 characters.'),
  GROUPS: z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    )
    .describe(
      'Consumer groups that this process runs, separated by commas; empty: all of the service; none: it only answers requests.',
    ),
  BATCH_MESSAGES_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(1_000)
    .describe('Most messages of one transaction.'),
  BATCH_GATHER_MS: z.coerce
    .number()
    .int()
    .min(0)
    .max(1_000)
    .default(40)
    .describe('Most milliseconds between two fetches of a batch processor while batches are small.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url()
    .optional()
    .describe('Where traces go by OTLP over HTTP, without the path /v1/traces; absent: no traces.'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('Share of REST requests that begin a trace, 0 to 1.'),
  SHUTDOWN_GRACE_MS: z.coerce
    .number()
    .int()
    .min(100)
    .max(120_000)
    .default(15_000)
    .describe('After SIGTERM, milliseconds until the process ends whatever is still open.'),
});

export type SharedConfig = z.infer<typeof sharedConfig>;

export function readConfig<T extends z.ZodObject>(
  shape: T,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): z.infer<T> {
  const input = Object.fromEntries(
    Object.keys(shape.shape).map((name) => [
      name,
      [name, ...(aliases[name] ?? [])].map((n) => environment[n]).find((v) => v !== undefined && v !== ''),
    ]),
  );
  const result = shape.safeParse(input);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const name = issue.path.join('.');
    return input[name] === undefined ? `${name} is missing` : `${name}: ${issue.message}`;
  });
  throw new CodedError('SVC_ERR_CONFIG', `configuration: ${problems.join('; ')}`, { details: { problems } });
}
