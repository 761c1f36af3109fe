/** What SREs and buyers ask of providers: calls by outcome, money spent, the breaker's state. */
import type { AttemptReport, BreakerState } from '@lead-flood/provider';
import type { Metrics } from '@lead-flood/service';

export type ProviderMetrics = {
  readonly onAttempt: (report: AttemptReport) => void;
  readonly onBreaker: (provider: string, state: BreakerState) => void;
};

export function createProviderMetrics({ counter, gauge }: Pick<Metrics, 'counter' | 'gauge'>): ProviderMetrics {
  const calls = counter('leadflood_provider_calls_total', 'Tries by what became of them', [
    'provider',
    'operation',
    'outcome',
  ]);
  const cost = counter('leadflood_provider_cost_micros_total', 'Spent, in millionths of a US dollar', ['provider']);
  const breaker = gauge(
    'leadflood_provider_breaker_open',
    '1 while the breaker lets nothing through, 0.5 while it tries',
    ['provider'],
  );
  const value: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 0.5, open: 1 };
  return {
    onAttempt: ({ provider, operation, outcome, costMicros }) => {
      calls.inc({ provider, operation, outcome });
      cost.inc({ provider }, costMicros);
    },
    onBreaker: (provider, state) => {
      breaker.set({ provider }, value[state]);
    },
  };
}
