/** Middleware of the registry's client: how long it waits, and what counts as an answer. */
import type { SchemaRegistry } from '@kafkajs/confluent-schema-registry';

type Middleware = NonNullable<ConstructorParameters<typeof SchemaRegistry>[0]['middlewares']>[number];

export const withTimeout =
  (timeoutMs: number): Middleware =>
  () => ({ request: (request) => Promise.resolve(request.enhance({ timeout: timeoutMs })) });

/** What each of the calls that we make is answered by. */
const FIELDS = ['id', 'schema', 'compatibility', 'compatibilityLevel'];

const NO_ANSWER = 503;

/** With the status that the client would have given to a failure. */
class NoAnswerError extends Error {
  readonly status = NO_ANSWER;
}

/** The client takes whatever comes with status 200 for an answer: a proxy's page as well. */
export const onlyAnswers: Middleware = () => ({
  response: async (next) => {
    const response = await next();
    const body: unknown = response.data();
    if (typeof body === 'object' && body !== null && FIELDS.some((name) => name in body)) return response;
    throw new NoAnswerError(JSON.stringify(body));
  },
});

/** Says nothing about what was asked: the client reports a connection that broke as 400, which no registry answers to us. */
export const isNoAnswer = (status: number): boolean => status === 400 || status >= 500;
