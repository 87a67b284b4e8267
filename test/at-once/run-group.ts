/** Tests that need no process of their own run together in a few: most of a test file's time goes into starting it. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { ROOT } from '../helpers/command.js'
import { testsOf, type Group, type Share } from './rooms.js'

export async function runGroup (group: Group, share?: Share): Promise<void> {
  // Under tap each file has its own; this is a whole room of them, on a machine that may be busy.
  t.setTimeout(300_000)
  const found = testsOf(group, share)
  for (const path of found) await import(pathToFileURL(join(ROOT, path)).href)
  await t.test('they were found', async (t) => {
    t.ok(found.length > 5, `${found.length} files`)
  })
}
