/**
 * How many requests a provider gets from us, over all replicas (sharing-window.ts). Two windows that touch can let twice the
 * rate through in a moment; providers that count the same way do so as well.
 */
import type { Redis } from './redis.ts';
import type { SharingLimit, SharingWindow } from './sharing-window.ts';
import { createSharingWindows } from './sharing-window.ts';

export type QuotaOptions = {
  readonly perSecond?: number;
  readonly perMinute?: number;
  /** Whose windows they are, where one provider counts several accounts apart. Never the key itself: it stands in Redis. */
  readonly account?: string;
  /** Shared by the replicas; `null` or absent: each replica alone keeps to its share. */
  readonly redis?: Redis | null;
  /** Replicas that share the quota; each one's share while Redis is away is the quota divided by it. Default 1. */
  readonly replicas?: number;
  /** Called when Redis stops or starts to answer. */
  readonly onShared?: (shared: boolean) => void;
};

export type Quota = {
  /** 0: go ahead, a request has been taken off. Otherwise the milliseconds to wait before asking again. */
  readonly take: () => number | Promise<number>;
};

/** `null` when there is no limit: then not even a function call stands between a call and the provider. */
export function createQuota(name: string, options: QuotaOptions, now: () => number): Quota | null {
  const { perSecond, perMinute, account } = options;
  const counted = account === undefined ? name : `${name}:${account}`;
  const limiter = createSharingWindows('quota', options, now);
  const limitOf = (points: number, seconds: number): SharingLimit => ({
    points,
    seconds,
    localPoints: Math.max(1, Math.floor(points / (options.replicas ?? 1))),
  });
  const windows: SharingWindow[] = [];
  // the shorter window first: it is the one that fills, and a refusal by the second one hands the request back
  if (perSecond !== undefined) windows.push(limiter.open(counted, limitOf(perSecond, 1)));
  if (perMinute !== undefined) windows.push(limiter.open(counted, limitOf(perMinute, 60)));
  const [first, second] = windows;
  if (first === undefined) return null;
  if (second === undefined) return { take: () => first.take() };
  return {
    take: async () => {
      const firstMs = await first.take();
      if (firstMs > 0) return firstMs;
      const secondMs = await second.take();
      if (secondMs > 0) first.giveBack();
      return secondMs;
    },
  };
}
