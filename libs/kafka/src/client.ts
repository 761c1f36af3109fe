/**
 * The one place that knows kafkajs: connection settings, and the repair of its idle timer.
 */
import { createRequire } from 'node:module';
import { Kafka, logLevel } from 'kafkajs';
import type { LogEntry } from 'kafkajs';

export type KafkaLog = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  details: Record<string, unknown>,
) => void;

type RequestQueue = {
  pending: unknown[];
  throttledUntil: number;
  scheduleCheckPendingRequests: () => void;
};

/**
 * With nothing pending kafkajs re-arms a timer every millisecond: 4-6 % of a core per idle process, and on Node 24 a
 * `TimeoutNegativeWarning` each time (kafkajs #1556, #1704, #1751). Returning early when nothing waits and no
 * throttle is active leaves 0.2 %.
 */
function repairIdleTimer(): void {
  const require = createRequire(import.meta.url);
  const queue = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue };
  const original = queue.prototype.scheduleCheckPendingRequests;
  queue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length === 0 && this.throttledUntil <= Date.now()) return;
    original.call(this);
  };
}

repairIdleTimer();

const LEVELS = new Map([
  [logLevel.ERROR, 'error'],
  [logLevel.WARN, 'warn'],
  [logLevel.INFO, 'debug'],
  [logLevel.DEBUG, 'debug'],
] as const);

export type KafkaClient = Kafka;

export function createKafkaClient(options: {
  brokers: readonly string[];
  clientId: string;
  log: KafkaLog;
}): KafkaClient {
  return new Kafka({
    brokers: [...options.brokers],
    clientId: options.clientId,
    // The default of 1 s is too short for a broker that has just restarted on a busy machine.
    connectionTimeout: 3_000,
    requestTimeout: 15_000,
    enforceRequestTimeout: true,
    // A broker that is away for a minute is waited for, not crashed over: about 20 tries up to 5 s apart.
    retry: { initialRetryTime: 100, maxRetryTime: 5_000, retries: 20, multiplier: 1.8 },
    logLevel: logLevel.WARN,
    logCreator: () => (entry: LogEntry) => {
      const level = entry.level === logLevel.NOTHING ? undefined : LEVELS.get(entry.level);
      const { message, timestamp, ...details } = entry.log;
      if (level !== undefined) options.log(level, message, { ...details, at: timestamp });
    },
  });
}
