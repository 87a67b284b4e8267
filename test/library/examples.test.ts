/** The examples of the library, as somebody runs them, but in the test's own process. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { Node } from '../../lib/node/node.js'
import { ROOT } from '../helpers/command.js'
import { pseudoRandomBytes, tempDir } from '../helpers/files.js'
import { trackerHere } from '../helpers/tracker.js'

const EXAMPLES = join(ROOT, 'fixtures', 'examples')

await t.test('each of them does what its first line says', async (t) => {
  const dir = await tempDir(t)
  const bytes = pseudoRandomBytes(1_200_000, 1)
  for (const folder of ['A', 'owner', 'to', 'mirror']) mkdirSync(join(dir, folder))
  for (const folder of ['A', 'owner']) writeFileSync(join(dir, folder, 'f'), bytes)
  const { argv, env: { XDG_CACHE_HOME: cache } } = process
  process.env.XDG_CACHE_HOME = join(dir, 'cache')
  t.teardown(() => {
    process.argv = argv
    if (cache === undefined) delete process.env.XDG_CACHE_HOME
    else process.env.XDG_CACHE_HOME = cache
  })
  const said: string[] = []
  let hasSaid: () => void = () => {}
  t.intercept(console, 'log', { value: (line: string) => { said.push(line); hasSaid() } })
  t.intercept(console, 'error', { value: () => {} })
  /** They read what they are given before anything else. */
  const run = async (name: string, ...args: string[]): Promise<void> => {
    process.argv = ['node', name, ...args]
    // The library that was built, in the place of the package that it becomes.
    const text = readFileSync(join(EXAMPLES, `${name}.mjs`), 'utf8').replace("'piecemeal'", JSON.stringify(new URL('../../lib/index.js', import.meta.url)))
    const path = join(dir, `${name}.mjs`)
    writeFileSync(path, text)
    await import(pathToFileURL(path).href)
  }

  const hasTicket = new Promise<void>((resolve) => { hasSaid = resolve })
  const sharing = run('share', join(dir, 'owner', 'f'))
  await Promise.race([hasTicket, sharing])
  await run('get', said[0] ?? '', join(dir, 'to', 'g'))
  await sharing
  t.ok(readFileSync(join(dir, 'to', 'g')).equals(bytes))
  t.match(said, [/^pm1/, /g came in .* from ./])

  await run('network', dir, 'f')
  t.ok(readFileSync(join(dir, 'B', 'f')).equals(bytes))
  t.match(said.slice(2), [/f with the digest blake3:\w{64} came from A$/, 'f has 2 owners now'])

  const { host, port } = await trackerHere(t)
  const owner = new Node({ name: 'owner', dir, tracker: { host, port } })
  t.teardown(async () => await owner.close())
  await owner.start()
  await owner.upload('f')
  writeFileSync(join(dir, 'owner', 'f2'), 'more')
  await owner.upload('f2')
  writeFileSync(join(dir, 'mirror', 'f2'), 'mine')
  await run('mirror', `${host}:${port}`, 'f', join(dir, 'mirror'))
  t.ok(readFileSync(join(dir, 'mirror', 'f')).equals(bytes))
  t.strictSame(said.slice(4), ['f: 1200000 bytes', 'f2: is here'])
})

await t.test('there are no others', async (t) => {
  t.strictSame(readdirSync(EXAMPLES).sort(), ['get.mjs', 'mirror.mjs', 'network.mjs', 'share.mjs'])
})
