// Leaves in a copy of the manifests only what runs in a service: no development tools, no tests, no local stack. The
// lock file still decides every version.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = process.argv[2];
if (root === undefined) throw new Error('name the folder of the copy');

for (const folder of ['libs/testing', 'deploy/local', 'load-tests', 'test'])
  rmSync(join(root, folder), { recursive: true, force: true });

function trim(folder, change = {}) {
  const file = join(root, folder, 'package.json');
  const { devDependencies: _, ...manifest } = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...manifest, ...change }, null, 2));
}

trim('.', { workspaces: ['libs/*', 'services/*'] });
for (const parent of ['libs', 'services']) for (const name of readdirSync(join(root, parent))) trim(join(parent, name));
