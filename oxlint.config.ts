/**
 * Lint rules, and the import rule of ARCHITECTURE.md as a table:
 *
 *   kernel < contracts < { kafka, postgres, provider } < processor < service < services/*
 *
 * test/boundaries has a fixture for each line of it that must fail. Rules that need types run in the same pass
 * (`typeAware`). A later override replaces `no-restricted-imports` of an earlier one, so each folder's list is whole.
 */

/** Below each layer: the workspace packages that it may import. */
const layers = {
  kernel: [],
  contracts: ['kernel'],
  kafka: ['kernel', 'contracts'],
  postgres: ['kernel', 'contracts'],
  provider: ['kernel', 'contracts'],
  processor: ['kernel', 'contracts', 'kafka', 'postgres', 'provider'],
  service: ['kernel', 'contracts', 'kafka', 'postgres', 'provider', 'processor'],
  testing: ['kernel', 'contracts', 'kafka', 'postgres', 'provider', 'processor', 'service'],
} satisfies Record<string, readonly string[]>;

const everyLibraryThatShips = ['kernel', 'contracts', 'kafka', 'postgres', 'provider', 'processor', 'service'];
const services = ['ingest-gateway', 'discovery', 'enrichment', 'scoring', 'outreach', 'call-allocation', 'analytics'];
const tools = ['local', 'load-tests', 'test'];
const everyPackage = [...everyLibraryThatShips, 'testing', ...services, ...tools];

/** Each client library has one door, so that its defaults are overridden once and it can be replaced. */
const doors = {
  kafka: ['kafkajs', 'avsc', '@kafkajs'],
  postgres: ['slonik', 'pg', 'node-pg-migrate'],
  provider: ['undici', 'opossum', 'ioredis', 'p-retry', 'rate-limiter-flexible'],
  service: ['fastify', 'fastify-type-provider-zod', 'pino', 'prom-client', '@opentelemetry'],
} satisfies Record<string, readonly string[]>;

type Pattern = { regex: string; message: string; allowTypeImports?: boolean };
type Path = { name: string; importNames: string[]; message: string };

const literally = (name: string): string => name.replaceAll('.', String.raw`\.`);
const anyOf = (names: readonly string[]): string => names.map(literally).join('|');

function closedDoors(open: readonly string[]): Pattern[] {
  return Object.entries(doors).flatMap(([library, packages]) => {
    const closed = packages.filter((name) => !open.includes(library) && !open.includes(name));
    if (closed.length === 0) return [];
    return [
      { regex: `^(${anyOf(closed)})(/|$)`, message: `Only libs/${library} imports this; use @lead-flood/${library}.` },
    ];
  });
}

/** The linter's expressions know no "except", so what is forbidden is listed. */
const onlyPackages = (allowed: readonly string[], message: string): Pattern => ({
  regex: `^@lead-flood/(${anyOf(everyPackage.filter((name) => !allowed.includes(name)))})(/|$)`,
  message,
});

/** A relative path that leaves a workspace package goes round its door. */
const throughTheDoor: Pattern = {
  regex: String.raw`^\.\./.*(^|/)(libs|services|deploy|load-tests)/`,
  message: 'Import the package by its name.',
};

const imports = (patterns: readonly Pattern[], paths: readonly Path[] = []): object => ({
  'no-restricted-imports': ['error', { patterns, paths }],
});

const libraryOverrides = Object.entries(layers).map(([name, below]) => ({
  files: [`libs/${name}/src/**/*.ts`],
  rules: imports([
    ...closedDoors([name]),
    onlyPackages(below, `libs/${name} stands below this package.`),
    throughTheDoor,
  ]),
}));

const domainRule = 'domain/ imports its own folder, @lead-flood/kernel and types from @lead-flood/contracts.';

/** State in, decision out: time comes with the event, chance does not come at all. */
const pureGlobals = [
  'fetch',
  'process',
  'performance',
  'crypto',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
];
const pureProperties = [
  { object: 'Date', property: 'now' },
  { object: 'Math', property: 'random' },
];

const domainRules = (more: readonly Pattern[]): object => ({
  ...imports(
    [
      { regex: `^[^.@]|^@[^l]|^@l[^e]|^@le[^a]|^@lea[^d]|^@lead[^-]|^@lead-[^f]`, message: domainRule },
      { regex: String.raw`^\.\./`, message: domainRule },
      onlyPackages(['kernel', 'contracts'], domainRule),
      {
        regex: '^@lead-flood/contracts$',
        allowTypeImports: true,
        message: 'domain/ takes only types from @lead-flood/contracts.',
      },
      ...more,
    ],
    [
      {
        name: '@lead-flood/kernel',
        importNames: ['randomId', 'systemClock'],
        message: 'domain/ has no clock and no randomness; both come with the context.',
      },
    ],
  ),
  'no-restricted-globals': ['error', ...pureGlobals],
  'no-restricted-properties': ['error', ...pureProperties],
});

const noFetch = {
  'no-restricted-globals': [
    'error',
    { name: 'fetch', message: 'Outside calls go through @lead-flood/provider: address guard, limits, quota, breaker.' },
  ],
};

export default {
  plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import', 'promise', 'node', 'vitest'],
  options: { typeAware: true },
  categories: { correctness: 'error' },
  env: { node: true, es2024: true },
  ignorePatterns: ['node_modules', '.local', '.nx', 'coverage', '**/generated/**', 'test/boundaries/fixtures/**'],
  rules: {
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': ['error', { checksVoidReturn: { arguments: false, attributes: false } }],
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'typescript/consistent-type-imports': 'error',
    'typescript/only-throw-error': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/prefer-promise-reject-errors': 'error',
    'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    'no-var': 'error',
    'prefer-const': 'error',
    eqeqeq: 'error',
    'import/no-cycle': 'error',
    'import/no-default-export': 'error',
    // Our interfaces declare methods that close over their state and never use `this`.
    'typescript/unbound-method': 'off',
    // Node's own callback APIs end in a callback, whatever was awaited before.
    'promise/no-callback-in-promise': 'off',
    // Given/when/then and helpers assert inside; tables of cases branch.
    'vitest/expect-expect': 'off',
    'vitest/no-conditional-expect': 'off',
    'vitest/no-standalone-expect': 'off',
    'vitest/require-to-throw-message': 'off',
    'vitest/require-mock-type-parameters': 'off',
    // Lists of numbers are sorted with a comparison in the product; the tests sort status codes.
    'typescript/require-array-sort-compare': 'off',
    // Promise.all takes what may be a promise (`maybe?.take()`); nothing is gained by telling them apart.
    'typescript/await-thenable': 'off',
    'vitest/valid-expect': ['error', { maxArgs: 2 }],
  },
  overrides: [
    { files: ['libs/*/src/**/*.ts', 'services/*/src/**/*.ts'], rules: noFetch },
    {
      files: ['libs/*/test/**/*.ts', 'libs/testing/src/**/*.ts', 'libs/*/tools/**/*.ts'],
      rules: imports(closedDoors(['kafka'])),
    },
    ...libraryOverrides,
    { files: ['libs/provider/test/**/*.ts'], rules: imports(closedDoors(['provider'])) },
    { files: ['libs/postgres/test/**/*.ts'], rules: imports(closedDoors(['postgres'])) },
    { files: ['libs/service/test/**/*.ts'], rules: imports(closedDoors(['service'])) },
    {
      files: ['services/*/src/**/*.ts'],
      rules: imports([
        ...closedDoors([]),
        onlyPackages(
          everyLibraryThatShips,
          'A service imports libraries, never another service and never libs/testing.',
        ),
        throughTheDoor,
      ]),
    },
    {
      files: ['services/*/test/**/*.ts'],
      rules: imports([
        ...closedDoors([]),
        onlyPackages([...everyLibraryThatShips, 'testing', 'test'], 'A service’s tests stay with that service.'),
        throughTheDoor,
      ]),
    },
    { files: ['services/*/src/**/domain/**/*.ts'], rules: domainRules([]) },
    // Where a module's domain is one file, the folder round it is not pure.
    { files: ['services/*/src/**/domain.ts'], rules: domainRules([{ regex: String.raw`^\./`, message: domainRule }]) },
    { files: ['*.config.ts'], rules: { 'import/no-default-export': 'off' } },
  ],
};
