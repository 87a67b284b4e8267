import { spawnSync } from 'node:child_process'
import t from 'tap'

const AT_DISK = new URL('../../lib/disk/at-disk.js', import.meta.url).href

/** How many calls to a disk that stands still are under way. */
function callsUnderWay (threads: string): number {
  const script = `
    const { atDisk } = await import(${JSON.stringify(AT_DISK)})
    let begun = 0
    for (let i = 0; i < 100; i++) void atDisk(() => { begun++; return new Promise(() => {}) })
    setImmediate(() => console.log(begun))`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', env: { PATH: process.env.PATH, UV_THREADPOOL_SIZE: threads } })
  return Number(stdout)
}

await t.test('a disk that stands still leaves half of the threads to others', async (t) => {
  for (const [threads, calls] of [['16', 8], ['', 2], ['1', 1]] as const) t.equal(callsUnderWay(threads), calls, `of ${threads === '' ? 'as many as Node has' : threads}`)
})
