/**
 * Tests that need no process of their own run together in a few: most of a test file's time goes into
 * starting it. Their folders are those that tap is told to leave out; each of their files runs by itself
 * as well. The name of this folder puts it before all others, so that the longest run begins first.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { ROOT } from '../helpers/command.js'

/** Where nodes meet, and where sockets do; `rooms` has all others. */
const GROUPS = {
  nodes: ['node'],
  downloads: ['download', 'library'],
  wire: ['net', 'part', 'share', 'tracker'],
}
const ALL_OTHERS = 'rooms'
/** It has a run of its own: `npm run test:field`. */
const NOT_HERE = 'field'

export async function runGroup (group: keyof typeof GROUPS | typeof ALL_OTHERS): Promise<void> {
  // Under tap each file has its own; this is a whole room of them, on a machine that may be busy.
  t.setTimeout(300_000)
  const found = foldersOf(group).flatMap((folder) => testsIn(join(ROOT, 'dist/test', folder)))
  for (const path of found) await import(pathToFileURL(path).href)
  await t.test('they were found', async (t) => {
    t.ok(found.length > 5, `${found.length} files`)
  })
}

function foldersOf (group: keyof typeof GROUPS | typeof ALL_OTHERS): readonly string[] {
  const { tap } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { tap: { exclude: string[] } }
  const leftOut = tap.exclude.flatMap((glob) => /^dist\/test\/(\w+)\/\*\*$/.exec(glob)?.[1] ?? []).filter((folder) => folder !== NOT_HERE)
  if (group !== ALL_OTHERS) return leftOut.filter((folder) => GROUPS[group].includes(folder))
  return leftOut.filter((folder) => !Object.values(GROUPS).flat().includes(folder))
}

function testsIn (folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.js')).sort().map((name) => join(folder, name))
}
