// The demo's view of the product: the public REST API, the sandbox's control, the services' metrics.
import type { z } from 'zod';
import type { funnelView } from '@lead-flood/contracts';
import type { ProductAddresses } from '../hints.ts';

export type Funnel = z.infer<typeof funnelView>;

export interface Api {
  get<T>(path: string, token?: string): Promise<T>;
  send<T>(method: string, path: string, body: object, token?: string): Promise<{ status: number; body: T }>;
  control<T>(method: string, path: string, body?: object): Promise<T>;
  /** Value of the first sample of a metric whose labels hold all the given texts, or null. */
  metric(service: string, name: string, ...labels: readonly string[]): Promise<number | null>;
}

export function createApi(addresses: ProductAddresses): Api {
  const headers = (token = addresses.apiKey): Record<string, string> => ({
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
  });
  return {
    async get<T>(path: string, token?: string) {
      const answer = await fetch(`${addresses.gateway}${path}`, { headers: headers(token) });
      if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
      return (await answer.json()) as T;
    },
    async send<T>(method: string, path: string, body: object, token?: string) {
      const answer = await fetch(`${addresses.gateway}${path}`, {
        method,
        headers: headers(token),
        body: JSON.stringify(body),
      });
      return { status: answer.status, body: (await answer.json()) as T };
    },
    async control<T>(method: string, path: string, body?: object) {
      const answer = await fetch(`${addresses.sandbox}/_control${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`sandbox ${method} ${path}: ${answer.status} ${text}`);
      return (text === '' ? null : JSON.parse(text)) as T;
    },
    async metric(service, name, ...labels) {
      const answer = await fetch(`${addresses.operations[service] ?? ''}/metrics`);
      const line = (await answer.text())
        .split('\n')
        .find((row) => row.startsWith(`${name}{`) && labels.every((label) => row.includes(label)));
      return line === undefined ? null : Number(line.slice(line.lastIndexOf(' ') + 1));
    },
  };
}
