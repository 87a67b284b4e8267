import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Program } from '../../lib/cli/replaced.js'

for (const [what, replace] of [
  ['another one is there', (path: string) => { writeFileSync(`${path}.new`, ''); renameSync(`${path}.new`, path) }],
  ['it is gone for a while', (path: string) => rmSync(path)],
] as const) {
  await t.test(`${what}: said once, and the status is one to start again with`, async (t) => {
    const path = join(t.testdir({ f: '' }), 'f')
    const said: string[] = []
    await new Promise<void>((resolve) => {
      const program = new Program({ out: () => {}, err: (line) => said.push(line) }, () => {
        t.equal(program.endsWith(0), 75)
        program.close()
        resolve()
      }, { path, lookMs: 5 })
      t.equal(program.endsWith(20), 20)
      // Its first look is on its way, and keeps no process alive: this does.
      const alive = setTimeout(() => replace(path), 50)
      const still = setInterval(() => {}, 1_000)
      t.teardown(() => { clearTimeout(alive); clearInterval(still) })
    })
    t.strictSame(said, ['error: piecemeal was replaced on disk, restart it'])
  })
}
