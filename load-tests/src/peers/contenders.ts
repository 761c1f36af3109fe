/** Everybody, the limit first. */
import { bare } from './bare.ts';
import { bullmq, bullmqTogether } from './bullmq.ts';
import type { Contender } from './contender.ts';
import { graphileWorker, graphileWorkerLists, graphileWorkerTogether } from './graphile-worker.ts';
import { kafkajs } from './kafkajs.ts';
import { ours } from './ours.ts';
import { pgBoss, pgBossTogether } from './pg-boss.ts';

export const contenders: readonly Contender[] = [
  bare,
  ours,
  bullmqTogether,
  pgBossTogether,
  graphileWorkerTogether,
  graphileWorkerLists,
  bullmq,
  pgBoss,
  graphileWorker,
  kafkajs,
];
