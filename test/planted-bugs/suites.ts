/** For each planted bug the test files that ought to catch it, the fastest first. */
import type { PlantedBug } from './catalogue/index.ts';

const chapter = (name: string): string => `libs/processor/test/${name}.test.ts`;
const relay = 'libs/postgres/test/relay.test.ts';
const machinery = 'libs/postgres/test/machinery.test.ts';
const crashes = (service: string): string => `services/${service}/test/crash-points.test.ts`;
const interleavings = chapter('18-interleavings');
const batches = 'services/scoring/test/conformance.test.ts';
const effects = 'services/outreach/test/conformance.test.ts';

export const suites: Readonly<Record<PlantedBug, readonly string[]>> = {
  'commit-offset-first': [chapter('05-positions'), crashes('scoring'), batches],
  'no-dedupe-row': [chapter('07-redelivery')],
  'publish-before-commit': [chapter('02-batch'), crashes('scoring'), batches],
  'relay-by-sequence': [relay],
  'relay-without-xmin': [relay],
  'relay-in-transaction-order': [relay],
  'relay-without-lock': [relay],
  'cursor-before-publish': [relay, crashes('scoring')],
  'swallow-publish-failure': [relay, crashes('scoring')],
  'no-fencing': [machinery, chapter('05-positions'), interleavings],
  'no-epoch-check': [machinery, chapter('05-positions'), interleavings],
  'lease-without-fence': ['libs/postgres/test/lease.test.ts', chapter('16-clocks')],
  'no-version-guard': [chapter('03-duplicates')],
  'no-revision-check': [machinery, interleavings],
  'blind-retry-of-unknown': [chapter('06-outside-world'), crashes('outreach'), effects],
  'once-without-begin': [chapter('06-outside-world'), crashes('outreach'), effects],
  'answer-not-stored': [chapter('06-outside-world'), crashes('enrichment')],
  'unbounded-retry': [chapter('07-redelivery')],
  'drop-dead-letter': [chapter('04-refusals')],
  'no-flood-stop': [chapter('04-refusals')],
  'ack-failed-batch': ['libs/kafka/test/broker.test.ts'],
  'no-heartbeat-while-busy': ['libs/kafka/test/broker.test.ts', batches],
  'forget-finished': [machinery, chapter('06-outside-world')],
  'finished-not-compared': [machinery, chapter('12-lost-answers')],
  'skip-open-message': [chapter('06-outside-world')],
  'no-order-within-key': [chapter('06-outside-world')],
  'numbers-apart': ['libs/kafka/test/assigner.test.ts', 'services/analytics/test/replicas.test.ts'],
  'earlier-timer-ends-wait': [chapter('07-redelivery')],
  'overtaken-repeat-ends-wait': [chapter('07-redelivery')],
  'errors-by-name': [machinery],
  'upload-from-first-row': ['services/ingest-gateway/test/busy.test.ts'],
  'refused-letter-at-once': [chapter('04-refusals'), chapter('06-outside-world')],
  'relay-never-silent': [relay],
  'no-hand-over': [chapter('19-several-members')],
  'leave-after-fetch': [chapter('19-several-members')],
  'partition-after-partition': ['libs/processor/test/fair-chunks.test.ts', chapter('17-fairness')],
  'no-back-pressure': [chapter('17-fairness')],
  'organisations-in-one-line': [chapter('17-fairness')],
  'no-parking-lock': [chapter('14-parking')],
  'replay-for-all': [chapter('04-refusals')],
  'breaker-never-opens': ['libs/provider/test/breaker.test.ts'],
  'quota-per-replica': ['libs/provider/test/replicas.test.ts'],
};
