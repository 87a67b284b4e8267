/**
 * What is installed is `bundle/`, and so is what the tests start as a command; what they import is `dist/`:
 * the same modules, but those that are always loaded together in one file, without comments and long names,
 * so that there is a third to carry and a tenth of the files to open at each start. Types are only of what
 * the library shows. Part of `npm run build`.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { minify } from 'rolldown/experimental'
import { dts } from 'rolldown-plugin-dts'
import { manPage } from '../../dist/lib/command/help.js'

const { man, version } = JSON.parse(readFileSync('package.json', 'utf8'))
const out = process.argv[2] ?? 'bundle'
/** Packages stay packages: they are installed beside it. */
const external = (id) => !/^[./]/.test(id)
/** In `dist` the pages' files are those of the source; a package has its own, beside the chunks. */
const assets = { name: 'assets', transform: (code) => code.includes(ASSETS) ? code.replace(ASSETS, "new URL('../") : undefined }
const ASSETS = "new URL('../../../lib/"
/** What the threads of a node load, but for the one that looks for trackers. In `dist` each is one file, so that it starts quickly. */
const inThreads = new Set()
for (const file of readdirSync('workers')) {
  const thread = await rolldown({ input: `workers/${file}`, platform: 'node', external })
  const { output } = await thread.write({ file: `dist/workers/${file.replace(/ts$/, 'js')}`, format: 'esm', minify: true, sourcemap: true, codeSplitting: false })
  if (file !== 'discovery.ts') for (const { moduleIds = [] } of output) for (const id of moduleIds) if (!id.includes('/workers/')) inThreads.add(id)
}
/** What is in one chunk costs no import, and packs better; but a chunk is loaded as a whole. */
const rooms = (...names) => new RegExp(`/lib/(?:${names.join('|')})`)
/** Everybody needs them, and nothing native is among them: help and the doctor do without. */
const BASE = rooms('protocol/', 'threads/', 'net/', 'metrics/(?!exposition)', 'secret/(?:exposure|identity|keys|secret-file)')
const groups = [
  { name: 'thread-base', test: (id) => inThreads.has(id) && BASE.test(id) },
  { name: 'thread', test: (id) => inThreads.has(id) },
  { name: 'base', test: BASE },
  { name: 'node', test: rooms('content/', 'disk/', 'manifest/', 'tree/', 'part/', 'share/', 'download/', 'node/', 'reading/', 'schedule/') },
  { name: 'web', test: rooms('web/', 'page/', 'gateway/') },
]
const entries = ['lib/index', 'lib/cli/node-command', 'lib/cli/tracker-command', 'lib/command/piecemeal', ...readdirSync('workers').map((file) => `workers/${file.slice(0, -'.ts'.length)}`)]

rmSync(out, { recursive: true, force: true })
const code = await rolldown({ input: Object.fromEntries(entries.map((name) => [name, `${name}.ts`])), platform: 'node', external, plugins: [assets] })
// As deep as they lie in `dist`: they find workers, page and version by where they are themselves.
await code.write({
  dir: out,
  format: 'esm',
  minify: true,
  chunkFileNames: 'lib/shared/[name].js',
  codeSplitting: { groups },
})
for (const folder of ['lib/page/assets', 'lib/web/assets']) {
  mkdirSync(join(out, folder), { recursive: true })
  for (const file of readdirSync(folder)) {
    const text = readFileSync(join(folder, file), 'utf8')
    writeFileSync(join(out, folder, file), file.endsWith('.js') ? (await minify(file, text, { module: true })).code : text)
  }
}
const types = await rolldown({ input: { index: 'dist/lib/index.d.ts' }, plugins: dts({ dtsInput: true }), external })
await types.write({ dir: join(out, 'lib') })
writeFileSync(join(out, man.replace(/^.*\//, '')), manPage(version))
