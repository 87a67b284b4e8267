/** The same table at the ports of a network with a secret: from a member that went bad, and from those who are none. */
import { join } from 'node:path'
import t from 'tap'
import { tempDir } from '../helpers/files.js'
import { dial } from '../../lib/net/dial.js'
import { KiB } from '../../lib/protocol/units.js'
import { credentialsFor } from '../../lib/secret/keys.js'
import { readSecret, writeNewSecret } from '../../lib/secret/secret-file.js'
import { PORTS } from '../e2e/hostile/messages.js'
import { CLOSED_WITHIN_MS, HOST, MOST_GROWTH_BYTES, open, options, resources, sendRows, setUp, until } from '../e2e/hostile/strangers.js'

void t.test('the same table at the ports of a network with a secret', options, async (t) => {
  const dir = await tempDir(t)
  const secretFile = join(dir, 'secret')
  await writeNewSecret(secretFile)
  const secret = await readSecret(secretFile)
  const { tracker, victim, ports, download } = await setUp(t, ['--secret-file', secretFile])
  const processes = [tracker, victim]
  await download()
  const before = processes.map(({ pid }) => resources(pid))

  await t.test('from one that has it', async (t) => {
    await Promise.all(PORTS.map(async (port) => await sendRows(t, port, async (bytes) => {
      const credentials = credentialsFor(port === 'output' ? 'data' : 'control', secret)
      const socket = await dial({ host: HOST, port: ports[port], credentials: { ...credentials, name: nameIn(bytes) } })
      return socket.on('error', () => {})
    })))
  })

  await t.test('from one that has not', async (t) => {
    const lost = ({ text }: { text: string }): boolean => text === '' || text.startsWith('\u0015\u0003')
    await Promise.all(PORTS.map(async (port) => await sendRows(t, port, async () => open(ports[port]), lost)))
    for (const { stderr } of processes) {
      t.match(stderr, /^(error: 127\.0\.0\.1 is refused at port \d+: it .*secret.*\n)+$/)
      t.ok(stderr.split('\n').length <= 5, 'a line a port and minute', { stderr })
    }
  })

  await download()
  for (const [i, { pid }] of processes.entries()) {
    const growth = resources(pid).residentBytes - (before[i]?.residentBytes ?? 0)
    t.ok(growth < MOST_GROWTH_BYTES, 'its memory is flat', { growth })
  }
  const isAsBefore = (): boolean => processes.every(({ pid }, i) => resources(pid).descriptors <= (before[i]?.descriptors ?? 0))
  await until(isAsBefore, 'descriptors are back', CLOSED_WITHIN_MS)
})

/** The node that a message says it is from. */
function nameIn (bytes: Iterable<string | Uint8Array>): string {
  const [chunk = ''] = bytes
  return /"name":"([A-Za-z0-9][\w.-]{0,63})"/.exec(chunk.slice(0, KiB).toString())?.[1] ?? 'stranger'
}
