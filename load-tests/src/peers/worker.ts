/**
 * The process that works: one contender, all five stages. Ended by a signal and nothing else; by SIGTERM at once, but so that
 * a profiler (`NODE_OPTIONS=--cpu-prof`) can write what it saw.
 */
import { contenders } from './contenders.ts';
import type { Servers } from './stages.ts';

const [name = '', servers = '{}'] = process.argv.slice(2);
const contender = contenders.find((one) => one.name === name);
if (contender === undefined) throw new Error(`no contender is called ${name}`);
process.once('SIGTERM', () => process.exit(0));
await contender.work(JSON.parse(servers) as Servers);
