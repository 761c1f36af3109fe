/**
 * Bugs put in on purpose, to see whether the tests catch them: a suite that has never failed proves nothing. Each name
 * stands at the line where a promise is kept and takes that line away. `npm run planted-bugs` runs them one by one; without
 * the variable each place costs one comparison, and in production or staging the variable keeps the process from starting.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

export const plantedBugs = {
  'commit-offset-first': 'the position moves in a transaction of its own, before the state that belongs to it',
  'no-dedupe-row': 'a redelivered input counts whether or not its row waits for it',
  'publish-before-commit': 'events go to the outbox outside of the transaction that decides them',
  'relay-by-sequence': 'the relay reads by the last number instead of (transaction, number)',
  'relay-without-xmin': 'the relay reads rows although an older transaction still runs',
  'relay-in-transaction-order': 'the relay publishes in the order of transaction numbers, not of the rows’ own',
  'relay-without-lock': 'every replica’s relay publishes, whoever holds the lock',
  'cursor-before-publish': 'the relay notes rows as published before the broker has them',
  'swallow-publish-failure': 'a send that the broker refused counts as done',
  'no-fencing': 'positions move for anybody and from anywhere',
  'no-epoch-check': 'positions move for a former owner too',
  'lease-without-fence': 'a former holder of a lease writes as if it held it still',
  'no-version-guard': 'an event that was applied before is applied again',
  'no-revision-check': 'a row is saved over a change that was never seen',
  'blind-retry-of-unknown': 'a call that was begun and not ended is made again',
  'once-without-begin': 'a call that must happen at most once leaves no mark before it',
  'answer-not-stored': 'the answer of an outside call is used without being stored',
  'unbounded-retry': 'an input whose every try failed is tried for ever',
  'drop-dead-letter': 'a message that cannot be processed is passed without a dead letter',
  'no-flood-stop': 'a batch of refusals drains into the dead letters',
  'ack-failed-batch': 'a fetch that was not dealt with counts as done',
  'no-heartbeat-while-busy': 'a member gives no sign of life while its handler works',
  'forget-finished': 'what is finished beyond an open message is not remembered',
  'finished-not-compared': 'a commit that moved no position is not told from its repeat',
  'skip-open-message': 'the position passes a message that is still under way',
  'no-order-within-key': 'messages of one key are with the outside world at the same time',
  'numbers-apart': 'partition n of two topics of a group goes to different members',
  'earlier-timer-ends-wait': 'a repeat of an earlier try’s timer takes away the row of the try that is waited for',
  'overtaken-repeat-ends-wait': 'a repeat of the message itself does so after a later message has overtaken it',
  'errors-by-name': 'the database driver’s errors are told apart by their names, which are all alike',
  'upload-from-first-row': 'an upload that is sent again is decided from its first row, not behind the committed ones',
  'refused-letter-at-once': 'a dead letter that cannot be stored is tried again at once, for ever',
  'relay-never-silent': 'a relay that falls silent keeps its session, and by it the lock',
  'no-hand-over': 'partitions go to the next owner while their calls are under way',
  'leave-after-fetch': 'a member gives its partitions up when all of its fetch is done, however large it is',
  'partition-after-partition': 'a transaction takes what it can of one partition before it comes to the next',
  'no-back-pressure': 'an effect runner fetches on, however much of what it has fetched still waits',
  'organisations-in-one-line': 'free places go to whoever was fetched first, of whichever organisation',
  'no-parking-lock': 'a drain and a batch of the same group run at the same time',
  'replay-for-all': 'a dead letter that is sent again is processed by every group of its topic',
  'breaker-never-opens': 'a provider that fails all calls is asked on and on',
  'quota-per-replica': 'each replica takes the whole quota of a provider for its own',
} as const;

export type PlantedBug = keyof typeof plantedBugs;

const VARIABLE = 'LEADFLOOD_PLANTED_BUG';
const REFUSED_IN = ['production', 'staging'];

/** What the variable asks for; throws where nobody may ask. */
export function readPlantedBug(environment: Readonly<Record<string, string | undefined>>): PlantedBug | null {
  const name = environment[VARIABLE] ?? '';
  if (name === '') return null;
  const surroundings = environment['APP_ENV'] ?? '';
  if (REFUSED_IN.includes(surroundings)) throw new Error(`${VARIABLE} is set in ${surroundings}: refused`);
  if (!Object.hasOwn(plantedBugs, name)) throw new Error(`${VARIABLE}: there is no planted bug ${name}`);
  return name as PlantedBug;
}

/** Out of the caller's transaction, where the pool refuses a second connection. */
export const outsideOfTransaction = AsyncLocalStorage.snapshot();

const chosen = readPlantedBug(process.env);

export const planted = (name: PlantedBug): boolean => chosen === name;
