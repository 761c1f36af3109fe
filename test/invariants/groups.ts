/** Who reads what and keeps its place where: the consumer groups of the product, with the schema of each. */
import { topics } from '@lead-flood/contracts';
import type { TopicName } from '@lead-flood/contracts';

export const schemas = [
  'ingest_gateway',
  'discovery',
  'enrichment',
  'scoring',
  'outreach',
  'call_allocation',
  'analytics',
] as const;
export type Schema = (typeof schemas)[number];

export type Group = {
  readonly name: string;
  readonly schema: Schema;
  readonly reads: readonly TopicName[];
  /** Topics of which it passes over some events unread (`only`). */
  readonly passesOver?: readonly TopicName[];
};

export const deadLetterTopics = (Object.keys(topics) as TopicName[]).filter((name) => name.endsWith('.dead-letter.v1'));

export const groups: readonly Group[] = [
  { name: 'ingest-gateway-jobs', schema: 'ingest_gateway', reads: ['platform.job.v1'] },
  { name: 'ingest-gateway-clock', schema: 'ingest_gateway', reads: ['platform.tick.v1'] },
  { name: 'discovery', schema: 'discovery', reads: ['ingest.lead.v1'] },
  {
    name: 'enrichment',
    schema: 'enrichment',
    reads: ['discovery.lead.v1', 'enrichment.timer.v1'],
    passesOver: ['discovery.lead.v1'],
  },
  { name: 'scoring', schema: 'scoring', reads: ['enrichment.lead.v1'] },
  { name: 'scoring-rules', schema: 'scoring', reads: ['discovery.icp.v1'] },
  {
    name: 'outreach',
    schema: 'outreach',
    reads: ['scoring.lead.v1', 'ingest.reply.v1', 'call-allocation.task.v1', 'discovery.lead.v1'],
    passesOver: ['call-allocation.task.v1', 'discovery.lead.v1'],
  },
  { name: 'outreach-send', schema: 'outreach', reads: ['outreach.send.v1', 'outreach-send.timer.v1'] },
  {
    name: 'call-allocation',
    schema: 'call_allocation',
    reads: [
      'scoring.lead.v1',
      'outreach.message.v1',
      'ingest.call.v1',
      'call-allocation.recall.v1',
      'call-allocation.offer.v1',
      'discovery.lead.v1',
    ],
    passesOver: ['outreach.message.v1', 'discovery.lead.v1'],
  },
  { name: 'call-allocation-calls', schema: 'call_allocation', reads: ['ingest.call.v1'] },
  { name: 'call-allocation-clock', schema: 'call_allocation', reads: ['platform.tick.v1'] },
  {
    name: 'analytics',
    schema: 'analytics',
    reads: [
      'discovery.lead.v1',
      'enrichment.lead.v1',
      'scoring.lead.v1',
      'outreach.message.v1',
      'call-allocation.task.v1',
    ],
  },
  { name: 'analytics-clock', schema: 'analytics', reads: ['platform.tick.v1'] },
  { name: 'analytics-dead-letters', schema: 'analytics', reads: deadLetterTopics },
];
