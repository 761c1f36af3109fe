/** `POST /v1/leads` through the gateway: paced at the budget for latency, then as fast as it goes. */
import { Agent, request } from 'node:http';
import type { Everything } from '@lead-flood/local';
import { toSubmitted } from '../submissions.ts';

export type RestResult = {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly statuses: Readonly<Record<string, number>>;
};

const CONNECTIONS = 64;

export async function runRest(
  everything: Everything,
  options: { firstSeed: number; count: number; perSecond: number | null },
): Promise<RestResult> {
  const { addresses } = everything;
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const latencies: number[] = [];
  const statuses: Record<string, number> = {};
  const startedAt = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < options.count) {
      const n = next;
      next += 1;
      // Open loop: the clock says when a request is due, and waiting for a slow answer counts against the server.
      const dueAt = options.perSecond === null ? performance.now() : startedAt + (n / options.perSecond) * 1_000;
      const waitMs = dueAt - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      const status = await post(agent, addresses, toBody(options.firstSeed + n, addresses.org));
      latencies.push(performance.now() - dueAt);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  const seconds = (performance.now() - startedAt) / 1_000;
  agent.destroy();
  latencies.sort((a, b) => a - b);
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return { perSecond: options.count / seconds, p50: at(0.5), p99: at(0.99), statuses };
}

function toBody(seed: number, orgId: string): string {
  const { person, company, externalId } = toSubmitted(seed, orgId, 0);
  const known = Object.fromEntries(
    Object.entries({
      ...person,
      company: company.name,
      domain: company.domain,
      countryIso: company.countryIso,
      employees: company.employees,
      industry: company.industry,
    }).filter(([, value]) => value !== null),
  );
  return JSON.stringify({ ...known, source: 'load-rest', externalId });
}

function post(agent: Agent, addresses: Everything['addresses'], body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request(
      `${addresses.gateway}/v1/leads`,
      {
        agent,
        method: 'POST',
        headers: {
          authorization: `Bearer ${addresses.apiKey}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
      },
      (answer) => {
        answer.resume();
        answer.once('end', () => {
          resolve(answer.statusCode ?? 0);
        });
      },
    );
    call.once('error', reject);
    call.end(body);
  });
}
