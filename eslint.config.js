import importX from 'eslint-plugin-import-x'
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript'
import neostandard, { resolveIgnoresFromGitignore } from 'neostandard'

/** Who may import whom inside lib: each folder sees those named, and nothing else. */
const MAY_IMPORT = {
  protocol: [],
  threads: ['protocol'],
  secret: ['protocol'],
  net: ['protocol', 'secret'],
  content: ['protocol'],
  manifest: ['protocol', 'content'],
  disk: ['protocol', 'content', 'threads'],
  tree: ['protocol', 'content', 'manifest', 'disk', 'threads'],
  schedule: ['protocol', 'content'],
  part: ['protocol', 'secret', 'net', 'content', 'threads', 'disk'],
  metrics: ['protocol'],
  web: ['protocol', 'secret', 'net', 'metrics'],
  tracker: ['protocol', 'secret', 'net', 'metrics'],
  registry: ['protocol', 'net', 'tracker', 'metrics'],
  page: ['protocol', 'secret', 'tracker', 'web', 'metrics'],
  share: ['protocol', 'secret', 'net', 'content', 'manifest', 'threads', 'disk', 'tree'],
  download: ['protocol', 'secret', 'net', 'content', 'manifest', 'threads', 'disk', 'tree', 'schedule', 'part'],
  reading: ['protocol', 'content', 'manifest', 'threads', 'disk', 'tree', 'share', 'download'],
  node: ['protocol', 'secret', 'net', 'content', 'manifest', 'threads', 'disk', 'tree', 'part', 'share', 'download', 'reading', 'metrics'],
  gateway: ['protocol', 'content', 'manifest', 'threads', 'disk', 'share', 'reading', 'web', 'metrics'],
  control: ['protocol'],
  discovery: ['protocol', 'threads'],
  library: ['protocol', 'threads', 'secret', 'net', 'disk', 'tracker', 'node', 'discovery'],
  cli: ['protocol', 'threads', 'secret', 'discovery', 'library', 'tracker', 'registry', 'node', 'ui', 'metrics', 'web', 'page', 'gateway'],
  command: ['protocol', 'threads', 'secret', 'net', 'disk', 'tracker', 'node', 'control', 'discovery', 'library', 'cli', 'ui'],
}
const FOLDERS = [...Object.keys(MAY_IMPORT), 'ui']

const zones = [
  ...Object.entries(MAY_IMPORT).map(([folder, others]) => ({
    target: `./lib/${folder}`,
    from: FOLDERS.filter((other) => other !== folder && !others.includes(other)).map((other) => `./lib/${other}`),
  })).filter(({ from }) => from.length > 0),
  { target: './lib', from: ['./workers', './test'] },
  { target: './workers', from: FOLDERS.filter((folder) => !['part', 'disk', 'content', 'manifest', 'tree', 'share', 'threads', 'discovery'].includes(folder)).map((folder) => `./lib/${folder}`) },
]

export default [
  ...neostandard({ ts: true, ignores: resolveIgnoresFromGitignore() }),
  {
    files: ['**/*.ts'],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver()] },
    rules: {
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unnecessary-condition': 'error',
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/promise-function-async': 'error',
      '@typescript-eslint/return-await': ['error', 'always'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'no-void': ['error', { allowAsStatement: true }],
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-restricted-paths': ['error', { basePath: import.meta.dirname, zones }],
    },
  },
  {
    // Piscina has one user.
    files: ['lib/**/*.ts'],
    ignores: ['lib/node/worker-pool.ts'],
    rules: { 'no-restricted-imports': ['error', { paths: ['piscina'] }] },
  },
  {
    // The client of Redis as well.
    files: ['lib/**/*.ts'],
    ignores: ['lib/registry/redis-client.ts', 'lib/node/worker-pool.ts'],
    rules: { 'no-restricted-imports': ['error', { paths: ['piscina', 'ioredis'] }] },
  },
  {
    // Output knows the rest of the house by its types alone, but for the names and addresses of the protocol.
    files: ['lib/ui/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': ['error', {
        patterns: [{
          regex: `^\\.\\./(?:${FOLDERS.filter((folder) => folder !== 'ui' && folder !== 'protocol').join('|')})/`,
          allowTypeImports: true,
        }]
      }],
    },
  },
  {
    files: ['lib/**/*.ts'],
    rules: { 'no-console': 'error' },
  },
  {
    // They are to be read by an old Node, which then says that it is too old. Node 12 knows import(), as the last of 2020.
    files: ['bin/*'],
    ignores: ['bin/package.json'],
    languageOptions: { ecmaVersion: 2020, sourceType: 'commonjs' },
    rules: { 'no-restricted-syntax': ['error', 'ChainExpression', "LogicalExpression[operator='??']", 'Literal[bigint]', 'Literal[value=/^node:/]'] },
  },
  {
    // What runs in a browser, as it is served.
    files: ['lib/*/assets/*.js'],
    languageOptions: {
      globals: Object.fromEntries([
        'addEventListener', 'document', 'EventSource', 'getComputedStyle', 'location', 'matchMedia', 'navigator', 'requestAnimationFrame', 'ResizeObserver', 'self', 'sessionStorage', 'SharedWorker',
      ].map((name) => [name, 'readonly'])),
    },
    rules: { 'new-cap': 'off' },
  },
  {
    // A state machine: no clock, no socket, no file.
    files: ['lib/schedule/*.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: ['node:*'] }] },
  },
]
