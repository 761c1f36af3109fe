/** Makes an adapter that can be asked out of a definition: adds the key, calls, and turns what comes back into a finding. */
import { CodedError, TransientError } from '@lead-flood/kernel';
import type { CallResult, Provider, ReadRefusal } from '@lead-flood/provider';
import { readRetryAfter } from '@lead-flood/provider';
import type { EnrichmentAdapter, Finding } from './adapter.ts';
import { miss, repeatHeader } from './adapter.ts';
import type { AdapterDefinition, Refusal, Verdict } from './define-adapter.ts';
import { verdicts } from './define-adapter.ts';
import type { ProviderName } from './table.ts';

/** Statuses that mean the same with everybody. A 400, 404 or 422 does not: only an adapter that knows the body may call it a miss. */
const BY_STATUS: Readonly<Record<number, Verdict>> = {
  401: 'key-refused',
  402: 'plan-used-up',
  403: 'not-allowed',
  429: 'rate-limited',
  451: 'restricted',
};

const NOT_READY_MS = 5_000;

/** For libs/provider, which pauses, tries again and counts by it. */
export function createRefusalReader<A>(definition: AdapterDefinition<A>): ReadRefusal {
  return (answer, now) => {
    const { status } = answer;
    const header = (name: string): string | null => {
      const value = answer.headers[name];
      return (Array.isArray(value) ? value[0] : value) ?? null;
    };
    const refusal: Refusal = { status, json: jsonOrUndefined(answer.text), header };
    const verdict = definition.refused(refusal) ?? BY_STATUS[status] ?? byRange(status);
    if (verdict === null) return null;
    if (verdict === 'failed') return { kind: 'failed' };
    if (verdict !== 'rate-limited') return { kind: 'refused', reason: verdict };
    const documented = definition.retryAfterMs?.(refusal, now) ?? null;
    return {
      kind: 'rate-limited',
      retryAfterMs: documented ?? readRetryAfter(header('retry-after') ?? undefined, now),
    };
  };
}

/** A redirect is a door that is not there now, since nothing here follows one; 5xx, 408 and 425 are the library's. */
function byRange(status: number): Verdict | null {
  if (status < 400) return 'failed';
  return status >= 500 || status === 408 || status === 425 ? null : 'rejected';
}

function jsonOrUndefined(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (error) {
    // a refusal in plain text or HTML is read by its status
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function openAdapter<A>(
  definition: AdapterDefinition<A>,
  name: ProviderName,
  provider: Provider,
  { apiKey, priceMicros }: { readonly apiKey: string; readonly priceMicros: number },
): EnrichmentAdapter {
  const { headers, query } = definition.key(apiKey);
  return {
    name,
    canAnswer: (question) => definition.ask(question) !== null,
    async find(question, ctx): Promise<Finding> {
      const ask = definition.ask(question);
      if (ask === null) return miss(0);
      const read = (answer: A, status: number) => definition.read(answer, { question, ask, status });
      const answer = await provider.call({
        ...ask,
        query: { ...query, ...ask.query },
        headers: { ...headers, ...repeatHeader(ctx) },
        schema: definition.answer,
        signal: ctx.signal,
        price: (data, status) => {
          const found = read(data, status);
          return typeof found === 'string' ? 0 : Math.round(priceMicros * (found.priceShare ?? 1));
        },
      });
      if (answer.kind === 'refused') return conclude(name, verdictOf(answer), answer);
      const found = read(answer.data, answer.status);
      if (typeof found === 'string') return conclude(name, found, answer);
      const { priceShare: _, ...facts } = found;
      return { status: 'hit', ...facts, costMicros: answer.costMicros, latencyMs: answer.latencyMs };
    },
  };
}

const verdictOf = ({ reason }: Extract<CallResult<unknown>, { kind: 'refused' }>): Verdict =>
  verdicts.find((verdict) => verdict === reason) ?? 'rejected';

function conclude(provider: ProviderName, verdict: Verdict, answer: CallResult<unknown>): Finding {
  const { status, latencyMs } = answer;
  const details = { provider, status, reason: verdict };
  switch (verdict) {
    case 'miss':
      return miss(latencyMs);
    case 'restricted':
      return { status: 'restricted', latencyMs, costMicros: 0 };
    case 'not-ready':
      throw new TransientError('PRV_ERR_NOT_READY', `${provider} answered ${status}`, { retryAfterMs: NOT_READY_MS });
    case 'rate-limited':
      throw new TransientError('PRV_ERR_RATE_LIMITED', `${provider} answered ${status}`, { details });
    case 'failed':
      throw new TransientError('PRV_ERR_FAILED', `${provider} answered ${status}`, { details });
    case 'rejected':
      throw new CodedError('PRV_ERR_REJECTED', `${provider} answered ${status}`, { details });
    case 'key-refused':
    case 'plan-used-up':
    case 'not-allowed':
      throw new CodedError('PRV_ERR_ACCESS_REFUSED', `${provider} answered ${status}: ${verdict}`, { details });
  }
}
