/**
 * The tests that need no process of their own: most of a test file's time goes into starting it. Each
 * of them is a file that runs by itself as well.
 */
import { readdirSync } from 'node:fs'
import t from 'tap'

const FOLDERS = ['protocol', 'content', 'manifest', 'schedule', 'secret', 'cli', 'ui', 'house', 'bench', 'bench/load', 'threads', 'tracker', 'net', 'disk', 'tree', 'part', 'share', 'gateway', 'control', 'discovery', 'command', 'metrics', 'web', 'page']

t.setTimeout(120_000)
let files = 0

for (const folder of FOLDERS) {
  for (const file of readdirSync(new URL(folder, import.meta.url)).filter((name) => name.endsWith('.test.js')).sort()) {
    await import(new URL(`${folder}/${file}`, import.meta.url).href)
    files++
  }
}

await t.test('they were found', async (t) => {
  t.ok(files > 60, `${files} files`)
})
