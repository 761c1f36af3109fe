/**
 * Chapter 11: once, when something fails.
 *
 * Between the beginning of a call that must not happen twice and its stored answer the journal may go away, the process be
 * told to stop, the answer be lost. What is left in the journal then decides what a replay may do:
 *
 *   begin ─▶ call ─▶ answer ─▶ stored
 *      │       │        └─ cannot be stored   the beginning stays: a replay says "unknown" and does not call
 *      │       └─ lost, or never sent         the beginning stays, or goes and the call may be made again
 *      └─ told to stop                        the beginning goes: nobody has called
 *
 * A fault of the journal after the mail server had taken a mail once erased the beginning: the redelivery sent the mail
 * again.
 */
import { describe, expect, it } from 'vitest';
import { TransientError } from '@lead-flood/kernel';
import type { JournalWriter, KnownEntry } from '@lead-flood/postgres';
import { createStep } from '../src/step.ts';

const away = (): TransientError => new TransientError('PGS_ERR_UNAVAILABLE', 'the connection broke');

/** A journal in memory whose `finish` can be made to fail. */
function createJournal(): { writer: JournalWriter; begun: Set<string>; failFinish: boolean } {
  const journal = {
    begun: new Set<string>(),
    failFinish: false,
    writer: {
      begin: (_id: string, step: string) => {
        const first = !journal.begun.has(step);
        journal.begun.add(step);
        return Promise.resolve(first);
      },
      finish: () => (journal.failFinish ? Promise.reject(away()) : Promise.resolve()),
      forget: (_id: string, step: string) => {
        journal.begun.delete(step);
        return Promise.resolve();
      },
    },
  };
  return journal;
}

const stepWith = (journal: JournalWriter, signal: AbortSignal, known: readonly KnownEntry[] = []) =>
  createStep({ journal, messageId: 'message', group: 'group', signal, known, deadlineMs: 1_000, now: () => 10_000 });

describe('a call that must happen at most once', () => {
  it('is not made again when its answer could not be stored', async () => {
    const journal = createJournal();
    journal.failFinish = true;
    let sends = 0;
    const send = (): Promise<string> => {
      sends += 1;
      return Promise.resolve('accepted');
    };
    const first = await stepWith(journal.writer, new AbortController().signal).once('send', send);
    expect(first).toEqual({ known: true, value: 'accepted' });
    expect(journal.begun).toContain('send');
    // The process dies before its commit; the replay finds a beginning that is older than the deadline.
    const begun: KnownEntry = { messageId: 'message', step: 'send', done: false, answer: null, startedAt: 0 };
    const replay = await stepWith(journal.writer, new AbortController().signal, [begun]).once('send', send);
    expect(replay).toEqual({ known: false });
    expect(sends).toBe(1);
  });

  it('counts as never begun when the process is told to stop before the call', async () => {
    const journal = createJournal();
    const stopping = new AbortController();
    const begin = journal.writer.begin;
    const writer: JournalWriter = {
      ...journal.writer,
      begin: async (id, step) => {
        const first = await begin(id, step);
        stopping.abort();
        return first;
      },
    };
    const sending = stepWith(writer, stopping.signal).once('send', () =>
      Promise.reject(new Error('must not be called')),
    );
    await expect(sending).rejects.toMatchObject({ name: 'AbortError' });
    expect(journal.begun).not.toContain('send');
  });

  it('is in doubt when its own answer was lost, and may be made again when nothing was sent', async () => {
    const signal = new AbortController().signal;
    const fail = (ambiguous: boolean) => (): Promise<never> =>
      Promise.reject(new TransientError('PRV_ERR_RESET', 'reset', { ambiguous }));
    const doubtful = createJournal();
    await expect(stepWith(doubtful.writer, signal).once('send', fail(true))).resolves.toEqual({ known: false });
    expect(doubtful.begun).toContain('send');
    const unsent = createJournal();
    await expect(stepWith(unsent.writer, signal).once('send', fail(false))).rejects.toThrow('reset');
    expect(unsent.begun).not.toContain('send');
  });
});
