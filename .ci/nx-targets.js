// Gives every workspace package that has something to run its nx targets, so that no package.json repeats them:
// `nx affected -t test` runs the suites that a change can reach, `nx affected -t lint` the linter on those folders.
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

const command = (line) => ({
  executor: 'nx:run-commands',
  options: { command: line, cwd: '{workspaceRoot}' },
  cache: true,
});

function hasTests(folder) {
  if (!existsSync(folder)) return false;
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).some(
    (name) => name.endsWith('.test.ts') && !name.includes('node_modules'),
  );
}

export const createNodesV2 = [
  '{libs/*,services/*,deploy/*,test,load-tests}/package.json',
  (files, _options, { workspaceRoot }) =>
    files.map((file) => {
      const root = dirname(file);
      const lint = {
        ...command(`oxlint --deny-warnings ${root}`),
        inputs: ['default', '^default', '{workspaceRoot}/oxlint.config.ts'],
      };
      const test = { ...command(`vitest run ${root}/`), inputs: ['default', '^default'] };
      return [
        file,
        { projects: { [root]: { targets: hasTests(join(workspaceRoot, root)) ? { lint, test } : { lint } } } },
      ];
    }),
];
