/** Every planted bug by its name. `npm run planted-bugs` puts them in one by one; none of them is in what is shipped. */
import type { Bug, Bugs } from './bug.ts';
import { at } from './bug.ts';
import { postgresBugs } from './postgres.ts';
import { processorBugs } from './processor.ts';

const assigner = 'libs/kafka/src/assigner.ts';
const consumer = 'libs/kafka/src/consumer.ts';
const heartbeat = '    first.payload.heartbeat().catch((error: unknown) => {';

export const plantedBugs = {
  ...postgresBugs,
  ...processorBugs,
  'ack-failed-batch': {
    says: 'a fetch that was not dealt with counts as done',
    edits: at(consumer, ['of done ? deliveries : []', 'of deliveries']),
  },
  'no-heartbeat-while-busy': {
    says: 'a member gives no sign of life while its handler works',
    edits: at(consumer, [heartbeat, `    return;\n${heartbeat}`]),
  },
  'numbers-apart': {
    says: 'partition n of two topics of a group goes to different members',
    edits: at(
      assigner,
      ['numbers.filter((n) => own.includes(n))', 'numbers.filter((n) => own.includes((n + i) % count))'],
      ['partitions.map(({ topic, numbers }) =>', 'partitions.map(({ topic, numbers }, i) =>'],
    ),
  },
  'upload-from-first-row': {
    says: 'an upload that is sent again is decided from its first row, not behind the committed ones',
    edits: at('services/ingest-gateway/src/uploads/lead-intake.ts', [
      'const { committed } = begun;',
      'const committed = 0;',
    ]),
  },
  'breaker-never-opens': {
    says: 'a provider that fails all calls is asked on and on',
    edits: at('libs/provider/src/breaker.ts', [
      'volumeThreshold: options.volumeMin',
      'volumeThreshold: Number.MAX_SAFE_INTEGER',
    ]),
  },
  'quota-per-replica': {
    says: 'each replica takes the whole quota of a provider for its own',
    edits: at('libs/provider/src/sharing-window.ts', [
      '`leadflood:${purpose}:${seconds}s`',
      '`leadflood:${purpose}:${seconds}s${Math.random()}`',
    ]),
  },
} satisfies Bugs;

export type PlantedBug = keyof typeof plantedBugs;

export const bugNames = Object.keys(plantedBugs) as PlantedBug[];

/** Throws for a name that is none. */
export function bugNamed(name: string): Bug {
  if (!Object.hasOwn(plantedBugs, name))
    throw new Error(`there is no planted bug ${name}; there are: ${bugNames.join(', ')}`);
  return plantedBugs[name as PlantedBug];
}
