/**
 * Outreach's two processors, broken at every place that a run passes. The sender's other side takes every message that
 * reaches it and knows no repeats: nothing may come twice, and what is "unknown" must have been open at the fault.
 */
import { batchProcessor, effectProcessor } from '@lead-flood/processor';
import type { CrashEnd, OutsideWorld, TestEvent } from '@lead-flood/testing';
import { callOutside, crashPoints, sampleId, sampleOrg } from '@lead-flood/testing';
import { createSendProcessor, outreach } from '../src/processor.ts';
import type { SendResult, Transport } from '../src/providers/transport.ts';
import { seedSequence } from '../src/seed.ts';
import { createSender } from '../src/sender.ts';
import { at, command, heard, idOf, scores } from './inputs.ts';

crashPoints('outreach', {
  ...at,
  create: () => ({ starter: batchProcessor(outreach) }),
  inputs: scores,
  afterwards: heard,
  seed: async (database) => {
    await seedSequence(database, sampleOrg);
  },
});

const REDELIVER_MS = [1, 1, 1, 1, 1];
/** How long a message that was begun by the dead is waited for. */
const DEADLINE_MS = 200;

function createSending() {
  const world: OutsideWorld = { calls: [], repeatable: false };
  const mail: Transport = {
    channel: 'email',
    provider: 'smtp',
    send: ({ messageId }) =>
      callOutside(world, messageId, (): SendResult => ({ kind: 'accepted', providerMessageId: messageId })),
    breakerState: () => 'closed',
    stop: () => Promise.resolve(),
  };
  // One at a time: then at most one message can be in doubt, and the points say which faults explain it.
  const limits = { inFlightMax: 1, deadlineMs: DEADLINE_MS };
  const processor = createSendProcessor(createSender({ email: mail }, idOf), limits);
  return { starter: effectProcessor(processor, REDELIVER_MS), world };
}

const LEADS = 4;

/** A redelivered message may be overtaken by the next one of its lead, so the second comes when the first is done. */
const messages = Array.from({ length: 2 * LEADS }, (_, i): TestEvent => ({
  name: 'SendMessage',
  id: sampleId('send-event', i),
  version: i < LEADS ? 1 : 2,
  data: { ...command(i), leadId: sampleId('send', i % LEADS) },
}));

type Published = { readonly data: { readonly messageId: string; readonly outcome?: string } };
const isUnknown = (event: unknown): boolean => (event as Published).data.outcome === 'unknown';

/** What a message's fate shows in, wherever the message stands. */
const FATE = /^(event|status|outcome|provider|providerMessageId|code|detail)$/;

/** Without the fate of messages that are in doubt in either end; all else of them, and all others, stay as they are. */
const withoutDoubt = (end: CrashEnd, other: CrashEnd): CrashEnd => {
  const doubted = new Set<unknown>(
    [...end.published, ...other.published].filter(isUnknown).map((event) => (event as Published).data.messageId),
  );
  const isDoubted = (value: object): boolean => Object.values(value).some((inner) => doubted.has(inner));
  const blanked = <T>(value: T): T =>
    JSON.parse(JSON.stringify(value), (_name, inner: unknown) => {
      if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
      const about = 'data' in inner && typeof inner.data === 'object' ? { ...inner, ...inner.data } : inner;
      return isDoubted(about) ? Object.fromEntries(Object.entries(inner).filter(([name]) => !FATE.test(name))) : inner;
    }) as T;
  return { ...end, tables: blanked(end.tables), published: blanked(end.published) };
};

crashPoints('outreach-send', {
  ...at,
  create: createSending,
  inputs: messages.slice(0, LEADS),
  afterwards: messages.slice(LEADS),
  unknownIn: (end) => end.published.filter(isUnknown).length,
  forgive: (end, { other }) =>
    [...end.published, ...other.published].some(isUnknown) ? withoutDoubt(end, other) : end,
});
