/** A user that may have few threads: `ulimit -u` counts for anybody but root, so root takes another user's place. */
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { Command, ROOT } from '../helpers/command.js'
import { tempDir } from '../helpers/files.js'

const NOBODY = '65533'

await t.test('as many threads as there can be, and E_LIMIT where there can be none', async (t) => {
  const dir = await tempDir(t)
  await chmod(dir, 0o777)
  const statuses: string[] = []
  // Where it becomes too few depends on Node and on the cores: from too many down, until it can't even start.
  for (let most = 34; most >= 20; most--) {
    const node = new Command(t, 'prlimit', [`--nproc=${most}`, 'setpriv', '--reuid', NOBODY, '--clear-groups', join(ROOT, 'bin', 'node'), '-n', `n${most}`, '-t', '127.0.0.1:1', '-d', dir])
    const begun = await node.waitFor(/listening|failed/).catch(() => undefined)
    // Below that Node itself does not start.
    if (begun === undefined) break
    if (begun[0] === 'listening') {
      await writeFile(join(dir, `n${most}`, 'a'), 'a')
      node.say('torrent -m upload a', 'torrent exit')
    }
    const { status } = await node.exit()
    t.notMatch(node.stderr, /^ +at /m, 'no trace')
    if (status === 0) t.match(node.stdout, /^sharing a /m)
    else t.match(node.stderr, /E_LIMIT .*raise ulimit -u/)
    statuses.push(String(status))
    if (begun[0] === 'failed') break
  }
  t.match(statuses.join(' '), /^0( 0)*( 23)+$/, 'it works until it says why it does not')
})
