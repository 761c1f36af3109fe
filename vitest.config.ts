/** Every suite; the servers are started once by the global set-up. */
import { defineConfig } from 'vitest/config';
import { ClosingLine } from './test/closing-line.ts';

export default defineConfig({
  test: {
    include: [
      'libs/*/test/**/*.test.ts',
      'services/*/test/**/*.test.ts',
      'deploy/local/test/**/*.test.ts',
      'test/**/*.test.ts',
      'load-tests/test/**/*.test.ts',
    ],
    exclude: ['**/node_modules/**', 'test/boundaries/fixtures/**'],
    reporters: ['default', new ClosingLine()],
    globalSetup: ['test/global-setup.ts'],
    pool: 'forks',
    // Two cores, and the servers need some of them.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
