import t from 'tap'
import { parseAdvertised, parseHost, parseTracker } from '../../lib/cli/addresses.js'

const wrong = { code: 'E_USAGE', exitStatus: 2 }

await t.test('a host: a name or an address, with brackets or without', async (t) => {
  const table: Array<[text: string, host: string]> = [
    ['127.0.0.1', '127.0.0.1'], ['0.0.0.0', '0.0.0.0'], ['::', '::'], ['::1', '::1'], ['[::1]', '::1'], ['[fd00::1]', 'fd00::1'], ['fe80::1%eth0', 'fe80::1%eth0'],
    ['[fe80::1%eth0]', 'fe80::1%eth0'], ['::ffff:127.0.0.1', '::ffff:127.0.0.1'],
    ['localhost', 'localhost'], ['labhost', 'labhost'], ['lab.example.', 'lab.example.'], ['lab-3', 'lab-3'], ['3d-printer', '3d-printer'], ['my_nas', 'my_nas'], ['bücher.example', 'bücher.example'],
    ['1.2.3.4.example', '1.2.3.4.example'], ['x'.repeat(63), 'x'.repeat(63)],
  ]
  for (const [text, host] of table) t.equal(parseHost(text, '--host'), host, text)
})

await t.test('what is no host', async (t) => {
  for (const text of [
    ' ', 'a b', 'lab host', '-lab', 'lab-', '.lab', 'lab..example', 'a/b', 'http://lab', 'lab,hub', '*', '127.0.0.1:5', 'lab:5', '[::1]:5', '[127.0.0.1]', '[lab]', '[]', '[::1', '::1]', ':::', '1::2::3',
    '256.0.0.1', '127.0.0', '1', '127.0.0.1.', 'lab.1', 'x'.repeat(64), `${'x.'.repeat(127)}x`, 'a\n', 'a\0',
  ]) t.throws(() => parseHost(text, '--host'), { ...wrong, message: /--host/ }, text)
})

await t.test('a tracker: the usual port where none is said', async (t) => {
  const table: Array<[text: string, host: string, port: number]> = [
    ['lab', 'lab', 12_340], ['lab:5', 'lab', 5], ['127.0.0.1', '127.0.0.1', 12_340], ['127.0.0.1:65535', '127.0.0.1', 65_535],
    ['::1', '::1', 12_340], ['[::1]', '::1', 12_340], ['[::1]:5', '::1', 5], ['[fe80::1%eth0]:5', 'fe80::1%eth0', 5],
  ]
  for (const [text, host, port] of table) t.strictSame(parseTracker(text), { host, port }, text)
  for (const text of ['', ':', ':5', 'lab:', 'lab:0', 'lab:65536', 'lab:x', 'lab:5:6', '::1:12340', '[::1]5', '[lab]:5', 'lab: 5', 'tcp://lab:5', '127.0.0.1.5:5']) {
    t.throws(() => parseTracker(text), { ...wrong, message: /-t/ }, text)
  }
  t.throws(() => parseTracker('::1:12340'), { message: /brackets/ })
})

await t.test('where a node says it is reached', async (t) => {
  const table: Array<[text: string, wanted: object]> = [
    ['lab', { host: 'lab' }], ['[fd00::1]', { host: 'fd00::1' }], ['fd00::1', { host: 'fd00::1' }],
    ['lab:1:65535', { host: 'lab', inputPort: 1, outputPort: 65_535 }], ['192.0.2.1:8082:9092', { host: '192.0.2.1', inputPort: 8082, outputPort: 9092 }],
    ['[fd00::1]:8082:9092', { host: 'fd00::1', inputPort: 8082, outputPort: 9092 }],
  ]
  for (const [text, wanted] of table) t.strictSame(parseAdvertised(text), wanted, text)
  for (const text of ['', 'lab:1', 'lab:', 'lab:1:', 'lab::1', 'lab:0:1', 'lab:1:0', 'lab:1:65536', 'lab:1:2:3', ':1:2', '0.0.0.0', '::', '[::]:1:2', 'a b']) {
    t.throws(() => parseAdvertised(text), { ...wrong, message: /--advertise/ }, text)
  }
})
