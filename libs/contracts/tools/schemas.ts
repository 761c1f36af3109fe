/** `npm run schemas -- generate | check | release`; registering at a registry is `register`, in libs/kafka. */
import { readSchemas } from './avro-files.ts';
import { compatibilityProblems, release } from './compatibility.ts';
import { generate, stale } from './generate.ts';

const command = process.argv[2];
if (command === 'generate') {
  console.log((await generate()).join('\n'));
} else if (command === 'release') {
  console.log(release(readSchemas()).join('\n') || 'nothing changed since the last release');
} else if (command === 'check') {
  const problems = [
    ...compatibilityProblems(readSchemas()),
    ...(await stale()).map((path) => `${path} is not what schemas/ says: run \`npm run schemas -- generate\``),
  ];
  console.log(problems.join('\n') || 'schemas: compatible with every release, generated files are current');
  process.exitCode = problems.length === 0 ? 0 : 1;
} else {
  console.error('usage: npm run schemas -- generate | check | release | register');
  process.exitCode = 2;
}
