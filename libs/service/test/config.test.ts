/** Configuration: every problem at once, defaults, bounds, and the names under which others know ours. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CodedError } from '@lead-flood/kernel';
import { readConfig, sharedConfig } from '@lead-flood/service';

const complete = {
  KAFKA_BROKERS: 'localhost:9092',
  SCHEMA_REGISTRY_URL: 'http://localhost:8081',
  DATABASE_URL: 'postgres://localhost/x',
  PRINCIPAL_SECRET: 'x'.repeat(32),
};

const problemsOf = (environment: Record<string, string>): unknown => {
  try {
    readConfig(sharedConfig, environment);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(CodedError);
    return (error as CodedError).details['problems'];
  }
};

describe('configuration', () => {
  it('names everything that is missing at once', () => {
    expect(problemsOf({})).toEqual([
      'KAFKA_BROKERS is missing',
      'SCHEMA_REGISTRY_URL is missing',
      'DATABASE_URL is missing',
      'PRINCIPAL_SECRET is missing',
    ]);
  });

  it('names what is there and wrong beside what is missing', () => {
    const problems = problemsOf({ ...complete, KAFKA_BROKERS: '', HTTP_PORT: '70000', LOG_LEVEL: 'loud' }) as string[];
    expect(problems).toHaveLength(3);
    expect(problems).toContain('KAFKA_BROKERS is missing');
    expect(problems.some((problem) => problem.startsWith('HTTP_PORT: '))).toBe(true);
    expect(problems.some((problem) => problem.startsWith('LOG_LEVEL: '))).toBe(true);
  });

  it('never repeats a secret in what it says', () => {
    expect(JSON.stringify(problemsOf({ ...complete, PRINCIPAL_SECRET: 'hunter2' }))).not.toContain('hunter2');
  });

  it('has a default for everything else, and a sentence for each key', () => {
    expect(readConfig(sharedConfig, complete)).toMatchObject({
      APP_ENV: 'local',
      BATCH_MESSAGES_MAX: 1_000,
      SHUTDOWN_GRACE_MS: 15_000,
    });
    for (const [name, shape] of Object.entries(sharedConfig.shape))
      expect(`${name}: ${shape.description ?? ''}`).toMatch(/: .{5,}/);
  });

  it('reads foreign names where ours is absent', () => {
    const shape = z.object({
      API_PORT: z.coerce.number().optional(),
      JWT_ACCESS_SECRET: z.string().optional(),
      REDIS_URL: z.string().optional(),
    });
    expect(readConfig(shape, { PORT: '8080', JWT_SECRET: 'a', UPSTASH_REDIS_URL: 'redis://b' })).toEqual({
      API_PORT: 8080,
      JWT_ACCESS_SECRET: 'a',
      REDIS_URL: 'redis://b',
    });
    expect(readConfig(shape, { PORT: '8080', API_PORT: '5050' })).toEqual({ API_PORT: 5050 });
  });
});
