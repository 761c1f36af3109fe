/** The faults of the catalogue that are played here, in the order of their numbers; the others are named in the README. */
import type { Fault } from '../stage.ts';
import { fullTopic, garbage, repeated } from './messages.ts';
import { killed, paused, rolled, storm } from './processes.ts';
import { providers } from './providers.ts';
import { twoSchedulers } from './schedulers.ts';
import { broker, postgres, redis, registry } from './servers.ts';

export const catalogue: readonly Fault[] = [
  killed,
  paused,
  rolled,
  broker,
  postgres,
  redis,
  registry,
  providers,
  repeated,
  garbage,
  storm,
  twoSchedulers,
  fullTopic,
];
