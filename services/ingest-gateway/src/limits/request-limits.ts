/** Which windows a request counts in (decision C-09), and how an answer tells about them. */
import ipaddr from 'ipaddr.js';
import { CodedError } from '@lead-flood/kernel';
import type { HttpReply } from '@lead-flood/service';
import type { Caller, Plan } from '../auth/caller.ts';
import type { GatewayConfig } from '../config.ts';
import type { Limit, Verdict } from '../domain/rate-window.ts';
import { strictest } from '../domain/rate-window.ts';
import type { RateLimiter } from './rate-limiter.ts';

export type RequestLimits = {
  readonly ofAddress: (ip: string) => Promise<Verdict>;
  readonly ofCaller: (caller: Caller) => Promise<Verdict>;
  /** Attempts to sign in; throws IGW_ERR_TOO_MANY_ATTEMPTS. */
  readonly attempt: (ip: string, who: string, reply: HttpReply) => Promise<void>;
};

const MINUTE = 60;
const HOUR = 3_600;

export function createRequestLimits(limiter: RateLimiter, config: GatewayConfig): RequestLimits {
  const address: Limit = { max: config.IP_LIMIT, seconds: config.IP_LIMIT_SECONDS };
  const user: Limit = { max: config.RATE_LIMIT_RPM, seconds: MINUTE };
  const attempts: Limit = { max: config.AUTH_ATTEMPTS_MAX, seconds: config.AUTH_ATTEMPTS_SECONDS };
  const plans: Readonly<Record<Plan, Limit>> = {
    free: { max: config.PLAN_LIMIT_FREE, seconds: HOUR },
    starter: { max: config.PLAN_LIMIT_STARTER, seconds: HOUR },
    pro: { max: config.PLAN_LIMIT_PRO, seconds: HOUR },
    enterprise: { max: config.PLAN_LIMIT_ENTERPRISE, seconds: HOUR },
  };
  return {
    ofAddress: (ip) => limiter.take(`ip:${networkOf(ip)}`, address),
    ofCaller: ({ principal, apiKey }) =>
      apiKey === null
        ? limiter.take(`user:${principal.orgId}:${principal.userId}`, user)
        : limiter.take(`key:${apiKey.id}`, plans[apiKey.plan]),
    async attempt(ip, who, reply) {
      const verdict = await limiter.take(`auth:${networkOf(ip)}:${who}`, attempts);
      if (verdict.allowed) return;
      tellLimits(reply, [verdict]);
      throw new CodedError('IGW_ERR_TOO_MANY_ATTEMPTS', 'too many attempts to sign in: wait as Retry-After says');
    },
  };
}

/** One customer holds a whole /64 of IPv6: counting single addresses would limit nobody. */
export function networkOf(ip: string): string {
  // Most are IPv4, and parsing costs a microsecond each.
  if (!ip.includes(':') || !ipaddr.isValid(ip)) return ip;
  const address = ipaddr.process(ip);
  if (address instanceof ipaddr.IPv4) return address.toString();
  return address.parts
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':');
}

/** `x-ratelimit-*` of the strictest window, and `retry-after` (seconds) where it is full. */
export function tellLimits(reply: HttpReply, verdicts: readonly Verdict[]): void {
  const verdict = strictest(verdicts);
  if (verdict === null) return;
  void reply
    .header('x-ratelimit-limit', verdict.limit)
    .header('x-ratelimit-remaining', verdict.remaining)
    .header('x-ratelimit-reset', Math.ceil(verdict.resetAt / 1_000));
  if (!verdict.allowed)
    void reply.header('retry-after', Math.max(1, Math.ceil((verdict.resetAt - Date.now()) / 1_000)));
}

export const refuse = (): CodedError =>
  new CodedError('IGW_ERR_RATE_LIMITED', 'too many requests: wait as Retry-After says');
