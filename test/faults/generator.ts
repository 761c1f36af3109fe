/**
 * Hands in leads by REST and as CSV files while everything is being killed, and keeps a journal of what was acknowledged:
 * the judge's own list of what must be there afterwards. A request whose answer is lost is sent again under the same
 * Idempotency-Key, as a careful client does, until there is an answer that is final.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Acked as Acknowledged } from '../invariants/world.ts';
import { keyText } from '../../services/discovery/src/lead/domain/submission.ts';
import { normalise } from '../../services/discovery/src/lead/normalisation.ts';
import { person, SOURCE } from './people.ts';

export type Acked = {
  /** Seed of the person -> the lead's id, or null where the door knew the person already. */
  readonly leads: Map<number, string | null>;
  /** Job of a file -> how many rows of it were accepted. */
  readonly files: Map<string, number>;
  /** Seeds of the people whose submissions the broker has stored. */
  readonly published: Set<number>;
  /** Tries that brought no final answer. */
  lost: number;
};

export const emptyJournal = (): Acked => ({ leads: new Map(), files: new Map(), published: new Set(), lost: 0 });

/** The journal as the judge reads it. A lead whose last try was told that it exists is looked for by who it is. */
export const toAcked = ({ leads, files, published }: Acked): Acknowledged => ({
  leads: [...leads.values()].filter((id) => id !== null),
  files: Object.fromEntries(files),
  published: [...published].map((seed) => naturalKeyOf(SOURCE, seed)),
  known: [...leads].flatMap(([seed, id]) =>
    id === null ? [{ id: naturalKeyOf(REST, seed), keys: normalise(person(seed, '')).keys.map(keyText) }] : [],
  ),
});

/** As discovery makes it of source and external id. */
const naturalKeyOf = (source: string, seed: number): string => `${source}/${person(seed, '').externalId}`;

export type Door = { readonly url: string; readonly apiKey: string };

const REST = 'fault-rest';
const PAUSE_MS = 500;
/** A key whose holder has crashed is taken over after a minute. */
const GIVE_UP_MS = 120_000;

const created = z.object({ leadId: z.string() });
const uploaded = z.object({ jobId: z.string(), accepted: z.int(), refused: z.int() });
const refused = z.object({ error: z.object({ code: z.string() }) });

type Answer = { readonly status: number; readonly body: unknown };

/** Asks until the answer is final: neither lost, nor a fault of the other side, nor "the first is still under way". */
async function askUntilFinal(journal: Acked, ask: () => Promise<Response>): Promise<Answer> {
  const until = Date.now() + GIVE_UP_MS;
  for (;;) {
    // A connection that breaks is the point of the exercise: it is counted, and the request goes again.
    const answer = await ask()
      .then(async (response): Promise<Answer> => ({ status: response.status, body: await response.json() }))
      .catch(() => null);
    const code = refused.safeParse(answer?.body).data?.error.code;
    if (answer !== null && answer.status < 500 && answer.status !== 429 && code !== 'idempotency_conflict')
      return answer;
    journal.lost += 1;
    if (Date.now() > until) throw new Error(`no final answer, the last one was ${answer?.status ?? 'lost'} ${code}`);
    await delay(PAUSE_MS);
  }
}

const fieldsOf = (seed: number): Record<string, string | number> => {
  const { person: who, company, externalId } = person(seed, '');
  const { name, domain, countryIso, employees, industry } = company;
  const all = { ...who, company: name, domain, countryIso, employees, industry, externalId };
  return Object.fromEntries(Object.entries(all).flatMap(([key, value]) => (value === null ? [] : [[key, value]])));
};

export async function postLead(door: Door, journal: Acked, seed: number): Promise<void> {
  const { status, body } = await askUntilFinal(journal, () =>
    fetch(`${door.url}/v1/leads`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${door.apiKey}`,
        'content-type': 'application/json',
        'idempotency-key': `kill-lead-${seed}`,
      },
      body: JSON.stringify({ ...fieldsOf(seed), source: REST }),
    }),
  );
  const known = refused.safeParse(body).data?.error.code === 'lead_exists';
  if (status !== 201 && !known) throw new Error(`lead ${seed}: ${status} ${JSON.stringify(body)}`);
  journal.leads.set(seed, known ? null : created.parse(body).leadId);
}

export async function uploadFile(door: Door, journal: Acked, seeds: readonly number[]): Promise<void> {
  const rows = seeds.map((seed) => ({ source: 'fault-csv', ...fieldsOf(seed) }));
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cell = (value: string | number | undefined): string => `"${String(value ?? '').replaceAll('"', '""')}"`;
  const lines = rows.map((row) => columns.map((name) => cell((row as Record<string, string>)[name])).join(','));
  const csv = [columns.join(','), ...lines].join('\n');
  const { status, body } = await askUntilFinal(journal, () => {
    const form = new FormData();
    form.append('file', new Blob([csv], { type: 'text/csv' }), 'leads.csv');
    return fetch(`${door.url}/v1/uploads/leads`, {
      method: 'POST',
      headers: { authorization: `Bearer ${door.apiKey}`, 'idempotency-key': `kill-file-${seeds[0] ?? ''}` },
      body: form,
    });
  });
  if (status !== 202) throw new Error(`file: ${status} ${JSON.stringify(body)}`);
  const { jobId, accepted } = uploaded.parse(body);
  journal.files.set(jobId, accepted);
}
