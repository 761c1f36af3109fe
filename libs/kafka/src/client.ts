/** How we connect with kafkajs. */
import './kafkajs-repairs.ts';
import { Kafka, logLevel } from 'kafkajs';
import type { LogEntry } from 'kafkajs';

export type KafkaLog = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  details: Record<string, unknown>,
) => void;

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
  /** Fewer where no answer is an answer. */
  retries?: number;
}): KafkaClient {
  return new Kafka({
    brokers: [...options.brokers],
    clientId: options.clientId,
    // The default of 1 s is too short for a broker that has just restarted on a busy machine.
    connectionTimeout: 3_000,
    // Only a broker that is gone without a word is so slow: then the connection ends, and with it what waits on it.
    requestTimeout: 15_000,
    enforceRequestTimeout: true,
    // A broker that is away for a minute is waited for, not crashed over: about 20 tries up to 5 s apart.
    retry: { initialRetryTime: 100, maxRetryTime: 5_000, retries: options.retries ?? 20, multiplier: 1.8 },
    logLevel: logLevel.WARN,
    logCreator: () => (entry: LogEntry) => {
      const level = entry.level === logLevel.NOTHING ? undefined : LEVELS.get(entry.level);
      const { message, timestamp, ...details } = entry.log;
      if (level !== undefined) options.log(level, message, { ...details, at: timestamp });
    },
  });
}
