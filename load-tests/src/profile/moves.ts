/**
 * Whose time it is: each sample belongs to the innermost frame that a rule knows, so that what Node does for the Postgres
 * driver counts as the driver's.
 */
import type { Call, Frame } from './cpu-profile.ts';

/** In this order; the first that matches a frame names it. */
const rules: readonly (readonly [move: string, matches: RegExp])[] = [
  ['checks of shapes (zod)', /node_modules\/zod\//],
  ['Avro', /node_modules\/avsc\//],
  ['Postgres: pg', /node_modules\/pg[^/]*\//],
  ['Postgres: slonik', /node_modules\/@?slonik\//],
  ['Kafka: kafkajs', /node_modules\/kafkajs\//],
  [
    'HTTP',
    /node_modules\/(fastify|@fastify|undici|find-my-way|light-my-request)\/|node:_http|node:internal\/deps\/undici/,
  ],
  ['SMTP', /node_modules\/(nodemailer|smtp-server)\//],
  [
    'log, metrics, traces',
    /node_modules\/(pino|sonic-boom|prom-client|@opentelemetry)|libs\/(service|kernel)\/src\/(log|metrics|trac)/,
  ],
  ['other packages', /node_modules\//],
  ['relay', /libs\/postgres\/src\/(relay|timers|outbox-partitions)\.ts/],
  ['Postgres: ours (arrays, outbox, documents)', /libs\/postgres\//],
  ['Kafka: ours (consumer, decode, encode)', /libs\/kafka\//],
  [
    'batch: decode, fold, encode',
    /libs\/processor\/src\/(decode|fold|encode|batch|batch-shell|effect-commit|step)\.ts/,
  ],
  ['shells', /libs\/processor\//],
  ['providers', /libs\/provider\//],
  ['libraries of ours', /libs\//],
  ['the service itself', /services\/|test\/sandbox\//],
];

/** A map, since functions are called `constructor` and `toString` too. */
const alone = new Map([
  ['(garbage collector)', 'garbage collection'],
  // Native code without a stack of JavaScript: compiling, sockets, hashing.
  ['(program)', 'native, compiling, system calls'],
]);
const OTHER = 'Node';

export const moveOf = (frame: Frame): string | null =>
  alone.get(frame.name) ?? rules.find(([, matches]) => matches.test(frame.url))?.[0] ?? null;

/** Milliseconds by move, time without work left out. */
export function byMove(root: Call): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const walk = (call: Call, inherited: string): void => {
    if (call.frame.name === '(idle)') return;
    const move = moveOf(call.frame) ?? inherited;
    if (call.selfUs > 0) found.set(move, (found.get(move) ?? 0) + call.selfUs / 1_000);
    for (const inner of call.calls) walk(inner, move);
  };
  walk(root, OTHER);
  return found;
}
