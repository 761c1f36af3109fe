/**
 * One organisation imports a large file while another hands in a few leads: what the few notice of it, and how much memory
 * the gateway takes for the file. The few are timed as their sender would: from POST until the lead stands in the read model
 * with its score. One question for all of them looks for it: a GET for each, often enough to be exact, was half of the load.
 */
import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { seedOrganization } from '@lead-flood/ingest-gateway/seed';
import type { Everything } from '@lead-flood/local';
import { createDatabase, sql } from '@lead-flood/postgres';
import { z } from 'zod';
import { measure, processesOf } from '../processes.ts';
import { toSubmitted } from '../submissions.ts';

export type Waits = { readonly p50: number; readonly p99: number; readonly count: number };

export type ImportResult = {
  readonly alone: Waits;
  readonly beside: Waits;
  /** Rows a second from the first byte to the answer. */
  readonly rowsPerSecond: number;
  readonly gatewayMb: { readonly before: number; readonly most: number };
};

export type ImportOptions = {
  readonly firstSeed: number;
  readonly rows: number;
  /** Of the small organisation, each time. */
  readonly leads: number;
  readonly leadsPerSecond: number;
};

const POLL_MS = 15;
const GIVE_UP_MS = 60_000;

export async function runImport(everything: Everything, options: ImportOptions): Promise<ImportResult> {
  const { firstSeed, rows, leads } = options;
  const small = await smallOrganization(everything);
  const few = (from: number): Promise<Waits> => handIn(everything, small, { ...options, firstSeed: from });
  await few(firstSeed);
  const alone = await few(firstSeed + leads);

  const gatewayMb = (): number => measure(processesOf(everything)).get('ingest-gateway')?.rssMb ?? 0;
  const before = gatewayMb();
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, gatewayMb());
  }, 500);
  const startedAt = performance.now();
  const uploading = upload(everything, firstSeed + 4 * leads, rows).then(() => performance.now() - startedAt);
  // Until the line is full of the other's leads.
  await delay(5_000);
  const beside = await few(firstSeed + 2 * leads);
  const uploadMs = await uploading;
  clearInterval(watch);
  return { alone, beside, rowsPerSecond: rows / (uploadMs / 1_000), gatewayMb: { before, most } };
}

async function smallOrganization({ addresses }: Everything): Promise<{ orgId: string; apiKey: string }> {
  const database = await createDatabase({
    url: addresses.postgres,
    schema: 'ingest_gateway',
    applicationName: 'load-tests',
    connectionsMax: 1,
  });
  try {
    return await seedOrganization(database, 'Small');
  } finally {
    await database.end();
  }
}

const columns = ['firstName', 'lastName', 'email', 'phone', 'linkedinUrl', 'title', 'company', 'domain', 'countryIso'];

function fieldsOf(seed: number, orgId: string): Record<string, string> {
  const { person, company } = toSubmitted(seed, orgId, 0);
  const all = { ...person, company: company.name, domain: company.domain, countryIso: company.countryIso };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === null || !columns.includes(name) ? [] : [[name, value]])),
  );
}

async function handIn(
  { addresses }: Everything,
  { orgId, apiKey }: { orgId: string; apiKey: string },
  { firstSeed, leads, leadsPerSecond }: ImportOptions,
): Promise<Waits> {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
  const watch = await watchScores(addresses.postgres);
  const waits = await Promise.all(
    Array.from({ length: leads }, async (_, i) => {
      await delay((i / leadsPerSecond) * 1_000);
      const startedAt = performance.now();
      const body = JSON.stringify({ ...fieldsOf(firstSeed + i, orgId), source: 'load-few' });
      const leadId = await acceptedLead(`${addresses.gateway}/v1/leads`, headers, body);
      return (await watch.shown(leadId)) - startedAt;
    }),
  ).finally(watch.end);
  waits.sort((a, b) => a - b);
  const at = (share: number): number => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), count: waits.length };
}

type ScoreWatch = { readonly shown: (leadId: string) => Promise<number>; readonly end: () => Promise<void> };

/** Resolves with the time at which the lead was first seen with a score. */
async function watchScores(postgres: string): Promise<ScoreWatch> {
  const database = await createDatabase({
    url: postgres,
    schema: 'analytics',
    applicationName: 'load-tests',
    connectionsMax: 1,
    readOnly: true,
  });
  const open = new Map<string, { readonly since: number; readonly shown: PromiseWithResolvers<number> }>();
  const ended = new AbortController();
  const look = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      const ids = sql.array([...open.keys()], 'uuid');
      const keys = await database.anyFirst(sql.type(z.object({ key: z.string() }))`
        select key from lead_models where key = any(${ids}) and score >= 0
      `);
      const now = performance.now();
      for (const key of keys) {
        open.get(key)?.shown.resolve(now);
        open.delete(key);
      }
      for (const [key, { since, shown }] of open)
        if (now - since > GIVE_UP_MS) shown.reject(new Error(`lead ${key} has no score after ${GIVE_UP_MS} ms`));
      await delay(POLL_MS);
    }
  };
  const looking = look();
  return {
    shown: (leadId) => {
      const shown = Promise.withResolvers<number>();
      open.set(leadId, { since: performance.now(), shown });
      return shown.promise;
    },
    end: async () => {
      ended.abort();
      await looking;
      await database.end();
    },
  };
}

/** A client that is told to come back does so; the waiting counts. */
async function acceptedLead(url: string, headers: Record<string, string>, body: string): Promise<string> {
  for (;;) {
    const answer = await fetch(url, { method: 'POST', headers, body });
    const text = await answer.text();
    if (answer.status === 201) return String((JSON.parse(text) as { leadId: unknown }).leadId);
    if (answer.status !== 503 && answer.status !== 429) throw new Error(`${answer.status} ${text}`);
    await delay(Number(answer.headers.get('retry-after') ?? 1) * 1_000);
  }
}

/** Streams the file as it is made: the measuring process must not be the one that holds it. */
async function upload({ addresses }: Everything, firstSeed: number, rows: number): Promise<void> {
  const boundary = 'lead-flood-load';
  const answer = Promise.withResolvers<string>();
  const call = request(
    `${addresses.gateway}/v1/uploads/leads`,
    {
      method: 'POST',
      headers: {
        authorization: `Bearer ${addresses.apiKey}`,
        'content-type': `multipart/form-data; boundary=${boundary}`,
      },
    },
    (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.once('end', () => {
        if (response.statusCode === 202) answer.resolve(text);
        else answer.reject(new Error(`upload: ${response.statusCode} ${text}`));
      });
    },
  );
  call.once('error', answer.reject);
  const write = async (text: string): Promise<void> => {
    if (!call.write(text)) await new Promise((resolve) => call.once('drain', resolve));
  };
  await write(`--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="leads.csv"\r\n\r\n`);
  await write(`${columns.join(',')}\n`);
  const CHUNK = 500;
  for (let from = 0; from < rows; from += CHUNK) {
    const lines = Array.from({ length: Math.min(CHUNK, rows - from) }, (_, i) => {
      const fields = fieldsOf(firstSeed + from + i, addresses.org);
      return columns.map((name) => `"${(fields[name] ?? '').replaceAll('"', '""')}"`).join(',');
    });
    await write(`${lines.join('\n')}\n`);
  }
  call.end(`\r\n--${boundary}--\r\n`);
  await answer.promise;
}
