/**
 * The few calls that we make to a Confluent-compatible schema registry. Services only look up; registering is a deploy
 * step. The client is @kafkajs/confluent-schema-registry, with three of its habits overridden here:
 *
 *   no timeout               registry-answers.ts and the agent: a registry that hangs is one that is away
 *   BACKWARD by default      the subject's rule is set first; its `register` throws where another one is set
 *   three retries of a GET   none: whoever asks waits and asks again, with a pause and a word in the log
 *
 * Its `encode` and `decode` are not used: `decode` builds the resolver anew for every message (3,800/s against 659,000/s with
 * a cached one) and awaits each; codec.ts reads and writes synchronously.
 */
import { Agent } from 'node:http';
import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import avro from 'avsc';
import { CodedError, TransientError, toError } from '@lead-flood/kernel';
import { isNoAnswer, onlyAnswers, withTimeout } from './registry-answers.ts';

/** A start or a partition waits for it and asks again: long enough for a registry that is just starting. */
const TIMEOUT_MS = 10_000;

export type Registry = {
  /** The id under which the subject holds exactly this schema; throws when it does not. */
  readonly lookup: (subject: string, schema: object) => Promise<number>;
  /** The schema of an id, or null when the registry does not know it; throws for what is not Avro. */
  readonly schemaById: (id: number) => Promise<object | null>;
  /** Sets FULL_TRANSITIVE first, since a registry enforces nothing for a subject without a rule. */
  readonly register: (subject: string, schema: object) => Promise<number>;
};

export function createRegistry(url: string, { timeoutMs = TIMEOUT_MS }: { timeoutMs?: number } = {}): Registry {
  const client = new SchemaRegistry({
    host: url.replace(/\/$/, ''),
    clientId: 'lead-flood',
    retry: { retries: 0 },
    // The middleware's timeout begins with the connection; this one also ends a connection that does not come about.
    agent: new Agent({ timeout: timeoutMs }),
    middlewares: [withTimeout(timeoutMs), onlyAnswers],
  });
  return {
    async lookup(subject, schema) {
      try {
        return await client.getRegistryIdBySchema(subject, avroOf(schema));
      } catch (error) {
        throw (
          awayOrNull(subject, error) ??
          new TransientError('KFK_ERR_SCHEMA_NOT_REGISTERED', `${subject}: ${toError(error).message}`, { cause: error })
        );
      }
    },
    async schemaById(id) {
      try {
        const type: unknown = await client.getSchema(id);
        if (type instanceof avro.Type) return type.schema({ exportAttrs: true }) as object;
      } catch (error) {
        if (statusOf(error) === 404) return null;
        const away = statusOf(error) === null ? null : unavailable(`schema ${id}`, error);
        throw away ?? new CodedError('KFK_ERR_INCOMPATIBLE_SCHEMA', `schema ${id} is no Avro`, { cause: error });
      }
      throw new CodedError('KFK_ERR_INCOMPATIBLE_SCHEMA', `schema ${id} is of another format`);
    },
    async register(subject, schema) {
      try {
        // Not among the client's own methods, though among its routes.
        await client['api'].Subject.updateConfig({ subject, body: { compatibility: COMPATIBILITY.FULL_TRANSITIVE } });
        const { id } = await client.register(avroOf(schema), { subject, compatibility: COMPATIBILITY.FULL_TRANSITIVE });
        return id;
      } catch (error) {
        const detail = `the registry refused ${subject}: ${toError(error).message}`;
        throw awayOrNull(subject, error) ?? new CodedError('KFK_ERR_INCOMPATIBLE_SCHEMA', detail, { cause: error });
      }
    },
  };
}

const avroOf = (schema: object) => ({ type: SchemaType.AVRO, schema: JSON.stringify(schema) }) as const;

/** The status that the registry answered with; null where the client itself has thrown. */
const statusOf = (error: unknown): number | null =>
  error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : null;

const unavailable = (what: string, error: unknown): TransientError =>
  new TransientError('KFK_ERR_REGISTRY_UNAVAILABLE', `${what}: ${toError(error).message}`, { cause: error });

const awayOrNull = (what: string, error: unknown): TransientError | null =>
  isNoAnswer(statusOf(error) ?? 0) ? unavailable(what, error) : null;
