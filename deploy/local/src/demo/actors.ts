// Who acts while leads flow: a caller who takes tasks and reports outcomes, and a provider that fails for a while.
import type { ProductAddresses } from '../hints.ts';
import type { Api } from './api.ts';

const outcomes = [
  'INTERESTED_SIGNUP_LINK_SENT',
  'RETRYABLE_REJECTION',
  'RETRYABLE_REJECTION',
  'INTERESTED_SIGNUP_LINK_SENT',
  'NEVER_CONTACT_AGAIN',
] as const;
const everywhere = {
  languageCodes: ['en', 'de', 'fr', 'sv'],
  regionIsoCodes: ['US', 'CA', 'GB', 'DE', 'FR', 'SE'],
};

interface Task {
  readonly id: string;
  readonly phone: string;
  readonly callerId: string;
}

export interface CallerReport {
  readonly calls: number;
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Works through what waits, by the public API alone, until told to stop. */
export async function work(addresses: ProductAddresses, api: Api, stopped: () => boolean): Promise<CallerReport> {
  const token = await logIn(addresses, 'caller');
  await hire(addresses, api, await userIdOf(api, token));
  const counts: Record<string, number> = {};
  let calls = 0;
  while (!stopped()) {
    const { task } = await api.get<{ task: Task | null }>('/v1/call-tasks/current', token);
    if (task === null) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      continue;
    }
    const outcome = outcomes[calls % outcomes.length] ?? 'RETRYABLE_REJECTION';
    calls += 1;
    await api.control('POST', '/calls', {
      toPhone: task.phone,
      callerId: task.callerId,
      taskId: task.id,
      answered: calls % 4 !== 0,
      durationSeconds: 30 + calls,
      deliverTo: { url: `${addresses.gateway}/webhooks/yay`, secret: addresses.yaySecret },
    });
    const { status } = await api.send('POST', `/v1/call-tasks/${task.id}/outcome`, { outcome }, token);
    if (status !== 200) throw new Error(`outcome of ${task.id}: ${status}`);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return { calls, outcomes: counts };
}

async function logIn(addresses: ProductAddresses, role: string): Promise<string> {
  const user = addresses.users.find((one) => one.role === role);
  if (user === undefined) throw new Error(`no demo user ${role}`);
  const answer = await fetch(`${addresses.gateway}/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: user.email, password: user.password }),
  });
  const body = (await answer.json()) as { accessToken?: string };
  if (body.accessToken === undefined) throw new Error(`login of ${role}: ${answer.status}`);
  return body.accessToken;
}

const userIdOf = async (api: Api, token: string): Promise<string> =>
  (await api.get<{ userId: string }>('/v1/auth/me', token)).userId;

/** A second run finds the caller hired already. */
async function hire(addresses: ProductAddresses, api: Api, userId: string): Promise<void> {
  const email = addresses.users.find((one) => one.role === 'caller')?.email ?? '';
  const { status, body } = await api.send('POST', '/v1/callers', {
    email,
    name: 'Demo Caller',
    timezone: 'Europe/Berlin',
    userId,
    ...everywhere,
  });
  if (status !== 201 && status !== 409) throw new Error(`hiring the caller: ${status} ${JSON.stringify(body)}`);
}

export interface BreakerReport {
  readonly opened: boolean;
  readonly closedAgain: boolean;
}

/** Apollo answers 503 until its breaker is seen open, then recovers until it is seen closed. */
export async function breakProvider(
  api: Api,
  enoughTraffic: () => boolean,
  say: (line: string) => void,
): Promise<BreakerReport> {
  await until(enoughTraffic, 60_000);
  await api.control('PUT', '/providers/apollo', { mode: 'down' });
  say('Apollo answers 503 from now on');
  const state = (): Promise<number | null> =>
    api.metric('enrichment', 'leadflood_provider_breaker_open', 'provider="apollo"');
  const opened = await until(async () => (await state()) === 1, 30_000);
  say(opened ? 'its breaker is open: nobody waits for it, the others answer' : 'its breaker did not open');
  await api.control('PUT', '/providers/apollo', { mode: 'ok' });
  const closedAgain = opened && (await until(async () => (await state()) === 0, 60_000));
  say(closedAgain ? 'Apollo is back and its breaker closed' : 'its breaker did not close');
  return { opened, closedAgain };
}

export async function until(probe: () => boolean | Promise<boolean>, deadlineMs: number): Promise<boolean> {
  const end = Date.now() + deadlineMs;
  while (Date.now() < end) {
    if (await probe()) return true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return false;
}
