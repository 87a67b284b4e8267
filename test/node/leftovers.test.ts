/** What is closed leaves nothing behind in the process: no handle, timer, thread or descriptor, and no hidden file. */
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Command } from '../helpers/command.js'

await t.test('nothing is left of a tracker and its nodes', { skip: process.platform === 'linux' ? false : 'asks /proc' }, async (t) => {
  const program = new Command(t, process.execPath, [fileURLToPath(new URL('leftovers.js', import.meta.url))])
  t.strictSame(await program.exit(60_000), { status: 0, signal: null }, 'the process ends by itself')
  t.equal(program.lines.length, 3)
  for (const line of program.lines) {
    const { name, hidden, before, after } = JSON.parse(line) as { name: string, hidden: string[], before: object, after: object }
    t.strictSame(after, before, name)
    t.strictSame(hidden, [], `${name}: hidden files`)
  }
})
