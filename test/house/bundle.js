/**
 * What is installed is `bundle/`, and so is what the tests start as a command; what they import is `dist/`:
 * the same modules, but those that are always loaded together in one file, without comments and long names,
 * so that there is a third to carry and a tenth of the files to open at each start. Types are only of what
 * the library shows. Part of `npm run build`.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { dts } from 'rolldown-plugin-dts'
import { manPage } from '../../dist/lib/command/help.js'

const { man, version } = JSON.parse(readFileSync('package.json', 'utf8'))
const out = process.argv[2] ?? 'bundle'
/** Packages stay packages: they are installed beside it. */
const external = (id) => !/^[./]/.test(id)
const entries = ['lib/index', 'lib/cli/node-command', 'lib/cli/tracker-command', 'lib/command/piecemeal']

rmSync(out, { recursive: true, force: true })
const code = await rolldown({ input: Object.fromEntries(entries.map((name) => [name, `${name}.ts`])), platform: 'node', external })
// As deep as they lie in `dist`: they find workers, page and version by where they are themselves.
await code.write({
  dir: out,
  format: 'esm',
  minify: true,
  chunkFileNames: 'lib/shared/[name].js',
  // Everybody needs them, and nothing native is among them: help and the doctor do without.
  codeSplitting: { groups: [{ name: 'base', test: /\/lib\/(?:protocol|threads|net|metrics)\// }] },
})
// A thread is one file: it starts in half the time of one that shares files with the commands, and a node starts three.
for (const file of readdirSync('workers')) {
  const thread = await rolldown({ input: `workers/${file}`, platform: 'node', external })
  const to = (folder) => ({ file: join(folder, 'workers', file.replace(/ts$/, 'js')), format: 'esm', minify: true, codeSplitting: false })
  await thread.write({ ...to('dist'), sourcemap: true })
  await thread.write(to(out))
}
const types = await rolldown({ input: { index: 'dist/lib/index.d.ts' }, plugins: dts({ dtsInput: true }), external })
await types.write({ dir: join(out, 'lib') })
writeFileSync(join(out, man.replace(/^.*\//, '')), manPage(version))
