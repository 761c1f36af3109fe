/** The suites as ever, with the planted bug in what vitest itself transforms; the processes that tests start have it by the hooks. */
import { mergeConfig } from 'vitest/config';
import everySuite from '../../vitest.config.ts';
import { plant, plantedHere } from './plant.ts';

const bug = plantedHere();

export default mergeConfig(everySuite, {
  plugins: [
    {
      name: 'planted-bug',
      enforce: 'pre',
      transform: (text: string, id: string) => (bug === null ? null : { code: plant(bug, id, text), map: null }),
    },
  ],
  // What was transformed with a bug must not be what the next run finds.
  test: { fsModuleCache: false },
});
