/**
 * What strangers send to the three ports, one row a kind, while honest downloads run beside it:
 * those hardly notice, nothing crashes, and memory, descriptors and threads are as before. With a
 * secret the same rows come from a member of the network that went bad, and from those who are none.
 *
 * What is measured is in /proc, so it takes Linux.
 */
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { link } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { dial } from '../../lib/net/dial.js'
import { credentialsFor } from '../../lib/secret/keys.js'
import { readSecret, writeNewSecret } from '../../lib/secret/secret-file.js'
import { FakeOwner, TrackerLine } from '../helpers/fake-owner.js'
import { firstDifference, pseudoRandomBytes, tempDir, visibleFiles, writePseudoRandom } from '../helpers/files.js'
import { complaints, NodeCommand, startNode, startTracker, words, type TrackerCommand } from '../helpers/piecemeal.js'

const KiB = 1_024
const MiB = 1_048_576
const HOST = '127.0.0.1'
/** Where the slow ones come from: a flood from one address pushes out those of that address. */
const SLOW_ADDRESS = '127.0.0.2'
/** A port that does not close a connection by then has missed its cue. */
const CLOSED_WITHIN_MS = 8_000
/** Far beyond what is asserted, so that there is a number to tell. */
const DOWNLOADED_WITHIN_MS = 10_000
/** lib/protocol/README.md, "Limits": absolute, whatever comes meanwhile. */
const FIRST_LINE_MS = 10_000
/** The longest of the deadlines. */
const DATA_STALL_MS = 15_000
const ALL_CUT_WITHIN_MS = DATA_STALL_MS + 5_000
const MOST_GROWTH_BYTES = 64 * MiB
/** Until the young generations of all threads have grown. */
const WARM_UPS = 4
const UNKNOWN_PER_ADDRESS = 64
const IDLE_CONNECTIONS = 5_000
const IDLE_BATCH = 100
const HONEST_FILES = Array.from({ length: 24 }, (_, i) => `honest-${i}.bin`)
const HONEST_BYTES = 16 * MiB
/** At each port at once. */
const FLOODS = 4
/** Honest downloads beside one attack. */
const LEAST_BESIDE = 2
const MOST_BESIDE = 4

type Port = 'tracker' | 'input' | 'output'
const PORTS: Port[] = ['tracker', 'input', 'output']

interface Row {
  name: string
  ports: readonly Port[]
  bytes: (port: Port) => Iterable<string | Uint8Array>
  /** What may be answered: codes or `ok`, joined by a comma where there are several; `''` is no answer, GOOD_ANSWER that of a good message. */
  expected: readonly string[]
  /** The contract does not say that the connection is closed after this, or the line never ends: the client closes its side. */
  clientEnds?: boolean
}

const DIGEST = `blake3:${'0'.repeat(64)}`
/** A message that each port understands; the values are JSON as it goes out. */
const GOOD: Record<Port, Record<string, string>> = {
  tracker: {
    type: '"NodeToTracker"',
    mode: '"have"',
    name: '"stranger"',
    filename: '"x"',
    size: '1',
    digest: `"${DIGEST}"`,
    pieceLength: '1048576',
    inputPort: '1',
    outputPort: '2',
  },
  input: { type: '"SizeInformation"', filename: '"x"', digest: `"${DIGEST}"`, size: '-1' },
  output: { type: '"FileCommunication"', filename: '"x"', digest: `"${DIGEST}"`, range: '[0,1]' },
}
/** Nobody shares that file. */
const ANSWERS: Record<Port, string> = { tracker: 'ok', input: 'E_NOT_SHARED', output: 'E_NOT_SHARED' }
const GOOD_ANSWER = 'the answer to a good message'

const ALIVE = tracker({ mode: '"alive"' })
const CLIENT_HELLO = Buffer.concat([
  Buffer.from('160301004d010000490303', 'hex'), pseudoRandomBytes(32, 'hello'), Buffer.from('000002130101000000', 'hex'), Buffer.alloc(32, 1),
])

/** Whatever is no message at all is so at each port. */
const NO_MESSAGES: Array<[name: string, line: string | Uint8Array, expected?: string]> = [
  ['an empty line', ''],
  ['null', 'null'],
  ['a number', '1'],
  ['NaN', 'NaN'],
  ['a string', '"NodeToTracker"'],
  ['an array', '[]'],
  ['an empty object', '{}'],
  ['half an object', '{"type":'],
  ['two objects', '{}{}'],
  ['single quotes', "{'type':'NodeToTracker'}"],
  ['a NUL', '{"type":"\u0000"}'],
  ['a byte-order mark', `\ufeff${ALIVE}`],
  ['brackets, 9 deep', `{"type":${'['.repeat(8)}${']'.repeat(8)}}`, 'E_LIMIT'],
  ['60,000 brackets', '['.repeat(60_000), 'E_LIMIT'],
  ['200,000 brackets', '['.repeat(200_000), 'E_LIMIT'],
  ['200,000 braces', '{"a":'.repeat(40_000), 'E_LIMIT'],
  ['one byte over 64 KiB', `{"type":"${'x'.repeat(64 * KiB - 10)}"}`, 'E_LIMIT'],
  ['HTTP', 'GET /announce?info_hash=x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r'],
  ['SSH', 'SSH-2.0-OpenSSH_9.2\r'],
  ['bad UTF-8', Buffer.concat([Buffer.from('{"type":"'), Buffer.of(0xff, 0xfe), Buffer.from('"}')])],
  ['a surrogate in UTF-8', Buffer.concat([Buffer.from('{"type":"'), Buffer.of(0xed, 0xa0, 0x80), Buffer.from('"}')])],
  ['an overlong slash', Buffer.concat([Buffer.from('{"type":"'), Buffer.of(0xc0, 0xaf), Buffer.from('"}')])],
  ['an unknown type', '{"type":"Sesame"}'],
  ['an array for a type', '{"type":["NodeToTracker","SizeInformation","FileCommunication"]}'],
  ['everything below __proto__', `{"__proto__":${ALIVE}}`],
  ['everything below constructor', `{"constructor":{"prototype":${ALIVE}}}`],
  ['a prototype of a type', '{"type":"__proto__"}'],
]

/** No number that counts anything here. */
const BAD_NUMBERS = ['NaN', '-NaN', 'Infinity', '1e400', '-1e400', '0.5', '-2', '9007199254740993', '1e20', '"5"', 'null', 'true', '[1]', '{}', '0x10', '01', '1_000']
const BAD_NAMES: Array<[why: string, json: string]> = [
  ['is empty', '""'],
  ['is a folder', '".."'],
  ['leads elsewhere', '"../../etc/passwd"'],
  ['is absolute', '"/etc/passwd"'],
  ['has a NUL', '"a\\u0000b"'],
  ['is too long', `"${'x'.repeat(256)}"`],
  ['is the hidden folder', '".piecemeal"'],
]
const NO_STRINGS = ['null', '5', '["x"]', '{"toString":"x"}']

const ROWS: Row[] = [
  ...NO_MESSAGES.map(([name, line, expected = 'E_PROTOCOL']): Row => ({ name, ports: PORTS, bytes: () => [line, '\n'], expected: [expected] })),
  // A reset may overtake the reply to somebody who is still sending.
  { name: 'a line of 64 MiB', ports: PORTS, bytes: () => repeat(Buffer.alloc(MiB, 'x'), 64), expected: ['E_LIMIT', ''] },
  { name: 'a name of 64 MiB', ports: PORTS, bytes: () => ['{"name":"', ...repeat(Buffer.alloc(MiB, 'x'), 64), '"}\n'], expected: ['E_LIMIT', ''] },
  { name: 'a line that has no end', ports: PORTS, bytes: (port) => [line(port)], expected: ['', 'E_PROTOCOL', 'E_NETWORK'], clientEnds: true },
  { name: 'a TLS ClientHello', ports: PORTS, bytes: () => [CLIENT_HELLO], expected: ['E_AUTH'] },
  { name: 'a TLS ClientHello and a newline', ports: PORTS, bytes: () => [CLIENT_HELLO, '\n'], expected: ['E_AUTH'] },
  { name: 'binary garbage', ports: PORTS, bytes: () => [pseudoRandomBytes(100_000, 'garbage')], expected: ['E_PROTOCOL', 'E_LIMIT'] },
  { name: 'a thousand bad lines at once', ports: PORTS, bytes: () => ['nonsense\n'.repeat(1_000)], expected: ['E_PROTOCOL'] },
  { name: 'a bad line, then good ones', ports: PORTS, bytes: (port) => ['nonsense\n', `${line(port)}\n`.repeat(3)], expected: ['E_PROTOCOL'] },
  { name: 'a thousand newlines', ports: PORTS, bytes: () => ['\n'.repeat(1_000)], expected: ['E_PROTOCOL'] },

  { name: 'a good message', ports: PORTS, bytes: good(), expected: [GOOD_ANSWER], clientEnds: true },
  { name: 'a carriage return before the newline', ports: PORTS, bytes: (port) => [line(port), '\r\n'], expected: [GOOD_ANSWER], clientEnds: true },
  { name: '__proto__ as a key', ports: PORTS, bytes: good({ ['__proto__']: '{"size":-5,"isAdmin":true}' }), expected: [GOOD_ANSWER], clientEnds: true },
  { name: 'constructor as a key', ports: PORTS, bytes: good({ constructor: '{"prototype":{"mode":"exit"}}' }), expected: [GOOD_ANSWER], clientEnds: true },
  // JSON leaves it open which of them counts; what must not be is two answers.
  { name: 'the same key twice', ports: PORTS, bytes: (port) => [line(port).replace('{', '{"type":"x","filename":"../x","size":1e400,"range":[9,8],'), '\n'], expected: [GOOD_ANSWER, 'E_PROTOCOL'], clientEnds: true },
  { name: 'a lone surrogate as a file name', ports: PORTS, bytes: good({ filename: '"\\ud800"' }), expected: ['E_NAME', 'E_PROTOCOL'] },
  { name: 'a lone surrogate as a node name', ports: ['tracker'], bytes: good({ name: '"\\udfff"' }), expected: ['E_NAME', 'E_PROTOCOL'] },
  { name: 'a lone surrogate as a digest', ports: PORTS, bytes: good({ digest: '"\\ud800"' }), expected: ['E_PROTOCOL'] },
  ...['__proto__', 'constructor', 'toString'].map((filename): Row => (
    { name: `${filename} as a name that nobody shares`, ports: ['input', 'output'], bytes: good({ filename: `"${filename}"` }), expected: ['E_NOT_SHARED'], clientEnds: true }
  )),
  { name: '__proto__ as a file name to announce', ports: ['tracker'], bytes: good({ filename: '"__proto__"' }), expected: ['ok'], clientEnds: true },
  { name: 'toString as a file name to ask for', ports: ['tracker'], bytes: good({ mode: '"need"', filename: '"toString"' }), expected: ['E_NO_OWNER'], clientEnds: true },
  { name: 'constructor as a node name', ports: ['tracker'], bytes: good({ name: '"prototype"' }), expected: ['ok'], clientEnds: true },
  { name: '__proto__ as a node name', ports: ['tracker'], bytes: good({ name: '"__proto__"' }), expected: ['E_NAME'], clientEnds: true },
  ...['__proto__', 'constructor', 'toString', 'Have', ''].map((mode): Row => (
    { name: `${JSON.stringify(mode)} as a mode`, ports: ['tracker'], bytes: good({ mode: JSON.stringify(mode) }), expected: ['E_PROTOCOL'] }
  )),

  ...BAD_NAMES.map(([why, json]): Row => ({ name: `a file name that ${why}`, ports: PORTS, bytes: good({ filename: json }), expected: ['E_NAME'], clientEnds: true })),
  ...['', '-x', '.', 'a b', 'a/b', 'x'.repeat(65), 'é'].map((name): Row => (
    { name: `${JSON.stringify(name)} as a node name`, ports: ['tracker'], bytes: good({ name: JSON.stringify(name) }), expected: ['E_NAME'], clientEnds: true }
  )),
  ...['filename', 'digest', 'type'].flatMap((field) => NO_STRINGS.map((json): Row => (
    { name: `${field}: ${json}`, ports: PORTS, bytes: good({ [field]: json }), expected: ['E_PROTOCOL'] }
  ))),
  ...['size', 'pieceLength', 'inputPort', 'outputPort'].flatMap((field) => BAD_NUMBERS.map((json): Row => (
    { name: `${field}: ${json}`, ports: ['tracker'], bytes: good({ [field]: json }), expected: ['E_PROTOCOL'] }
  ))),
  ...[...BAD_NUMBERS, '0', '65536'].map((json): Row => ({ name: `a port ${json}`, ports: ['tracker'], bytes: good({ outputPort: json }), expected: ['E_PROTOCOL'] })),
  { name: 'a piece length that is no power of two', ports: ['tracker'], bytes: good({ pieceLength: '1048577' }), expected: ['E_PROTOCOL'] },
  { name: 'more than 8,192 pieces', ports: ['tracker'], bytes: good({ size: '9007199254740991' }), expected: ['E_PROTOCOL'] },
  ...[...BAD_NUMBERS, '0', '1'].map((json): Row => ({ name: `size: ${json}`, ports: ['input'], bytes: good({ size: json }), expected: ['E_PROTOCOL'] })),
  ...BAD_NUMBERS.flatMap((json) => [`[${json},1]`, `[0,${json}]`]).concat('[2,1]', '[-1,1]', '[]', '[0]', '[0,1,2]', '"0,1"', '{"0":0,"1":1,"length":2}').map((json): Row => (
    { name: `range: ${json}`, ports: ['output'], bytes: good({ range: json }), expected: ['E_PROTOCOL'] }
  )),
  { name: 'a range beyond the end', ports: ['output'], bytes: good({ range: '[0,9007199254740991]' }), expected: ['E_NOT_SHARED'], clientEnds: true },

  { name: 'what is meant for the input port', ports: ['tracker', 'output'], bytes: () => [line('input'), '\n'], expected: ['E_PROTOCOL'] },
  { name: 'what is meant for the output port', ports: ['tracker', 'input'], bytes: () => [line('output'), '\n'], expected: ['E_PROTOCOL'] },
  { name: 'what is meant for the tracker', ports: ['input', 'output'], bytes: () => [line('tracker'), '\n'], expected: ['E_PROTOCOL'] },
  { name: 'a reply in the place of a request', ports: ['tracker'], bytes: () => ['{"type":"TrackerToNode","mode":"have","ok":true}\n'], expected: ['E_PROTOCOL'] },
  { name: 'an answer in the place of a question', ports: ['input'], bytes: good({ size: '5', pieceLength: '1048576', pieces: '""' }), expected: ['E_PROTOCOL'] },
  { name: 'good, bad, good', ports: ['tracker'], bytes: () => [`${ALIVE}\nnonsense\n${ALIVE}\n`], expected: ['ok,E_PROTOCOL'] },
  { name: 'another name on a connection', ports: ['tracker'], bytes: () => [`${ALIVE}\n`, tracker({ mode: '"alive"', name: '"another"' }), '\n'], expected: ['ok,E_NAME'], clientEnds: true },
  { name: 'another name after leaving', ports: ['tracker'], bytes: () => [`${ALIVE}\n`, tracker({ mode: '"exit"', filename: undefined }), '\n', tracker({ mode: '"alive"', name: '"another"' }), '\n'], expected: ['ok,ok,E_NAME'], clientEnds: true },
  { name: 'a second range on a connection', ports: ['output'], bytes: (port) => [`${line(port)}\n`.repeat(2)], expected: ['E_NOT_SHARED'] },
]

/** Those that keep the connection open and never say enough; the server has to end it by its clock. */
const SLOW: Array<{ name: string, ports: readonly Port[], isAnswered?: boolean, go: (socket: Socket, port: Port) => void }> = [
  { name: 'says nothing', ports: PORTS, go: () => {} },
  { name: 'sends a byte every 100 ms', ports: PORTS, go: (socket, port) => drip(socket, line(port, { filename: `"${'x'.repeat(200)}"` })) },
  { name: 'begins a line and waits', ports: PORTS, go: (socket, port) => { socket.write(line(port)) } },
  {
    name: 'says one good line and drips the next',
    ports: ['tracker', 'input'],
    go: (socket, port) => {
      socket.write(`${line(port, { name: '"dripper"' })}\n`)
      drip(socket, line(port, { filename: `"${'x'.repeat(200)}"` }))
    },
  },
  {
    // It was answered and has no further say, but for its side of the connection it could keep.
    name: 'goes on and on after the answer',
    ports: ['output'],
    isAnswered: true,
    go: (socket, port) => {
      socket.write(`${line(port)}\n`)
      drip(socket, 'x'.repeat(1_000))
    },
  },
]

const options = { skip: existsSync('/proc/self/fd') ? false : 'what is measured here is in /proc, which this system has not' }

void t.test('whatever strangers send, honest downloads hardly notice', options, async (t) => {
  const setting = await setUp(t)
  const { tracker, victim, ports, fetcher } = setting
  const processes = [tracker, victim]

  // A process that has served nobody yet is smaller and slower than one at work: V8 lets its young generation grow first.
  await setting.download()
  for (let i = 0; i < WARM_UPS; i++) await Promise.all(PORTS.map(async (port) => await talk(ports[port], repeat(Buffer.from(`${line(port)}\n`.repeat(100)), 200), true)))
  const calmSeconds = Math.max(await setting.download(), await setting.download())
  const most = calmSeconds * 3 + 1
  const before = processes.map(({ pid }) => resources(pid))

  /** An attack with honest downloads beside it, as many as it lasts for. */
  const beside = async (t: Test, attack: () => Promise<void>): Promise<void> => {
    const attacked = attack().then(() => 'over')
    // Awaited below, after the downloads.
    attacked.catch(() => {})
    const seconds: number[] = []
    const failures: unknown[] = []
    // One that fails is told with the others; what comes after this attack is worth knowing all the same.
    const download = async (): Promise<number> => await setting.download().catch((error: unknown) => {
      failures.push(error)
      return Infinity
    })
    while (seconds.length < LEAST_BESIDE || (seconds.length < MOST_BESIDE && await Promise.race([attacked, setImmediate()]) !== 'over')) seconds.push(await download())
    await attacked
    // The mean of a few: other tests run on this machine as well.
    const mean = seconds.reduce((sum, each) => sum + each, 0) / seconds.length
    t.ok(mean <= most, `a download takes at most ${most.toFixed(2)} s`, { calmSeconds, seconds, failures })
    for (const [i, { pid }] of processes.entries()) {
      const growth = resources(pid).residentBytes - (before[i]?.residentBytes ?? 0)
      t.ok(growth < MOST_GROWTH_BYTES, 'its memory is flat', { growth })
      t.comment(`${i === 0 ? 'tracker' : 'node'}: ${Math.round(growth / MiB)} MiB more`)
    }
    for (const process of processes) t.ok(process.isRunning)
  }

  const slowBegunMs = performance.now()
  const slow = beginSlow(t, ports)
  const deaf = beginDeaf(t, ports)

  await t.test('the table', async (t) => {
    await beside(t, async () => { await Promise.all(PORTS.map(async (port) => await sendRows(t, port, async () => open(ports[port])))) })
  })

  await t.test('floods of the shortest bad lines', async (t) => {
    await beside(t, async () => {
      const answers = await Promise.all(PORTS.flatMap((port) => Array.from({ length: FLOODS }, async () => await talk(ports[port], repeat(Buffer.alloc(MiB, '\n'), 4), false))))
      t.ok(answers.every(({ isClosed }) => isClosed), 'all are closed')
      t.ok(answers.every(({ text }) => text.split('\n').length <= 2), 'with one answer at most')
    })
  })

  await t.test(`${IDLE_CONNECTIONS} idle connections`, async (t) => {
    let sockets: Socket[] = []
    t.teardown(() => { for (const socket of sockets) socket.destroy() })
    await beside(t, async () => { sockets = (await Promise.all(PORTS.map(async (port) => await openIdle(ports[port])))).flat() })
    await beside(t, async () => {
      const open = (): number => sockets.filter((socket) => !socket.closed).length
      await until(() => open() <= PORTS.length * UNKNOWN_PER_ADDRESS, 'only 64 of one address stay at each port', 5_000, () => String(open()))
    })
  })

  await t.test('slow ones are cut off by an absolute deadline', async (t) => {
    for (const { name, port, isAnswered, ms } of await slow) {
      // The clock is looked at once a second; this process and the others may be busy.
      const [leastMs, mostMs] = isAnswered ? [0, DATA_STALL_MS + 2_000] : [FIRST_LINE_MS - 1_000, FIRST_LINE_MS + 5_000]
      t.ok(ms >= leastMs && ms <= mostMs, `${port}: who ${name} is cut off`, { ms })
    }
  })

  await t.test('those that never read are cut off, and nothing is left of anybody', async (t) => {
    const deadlineMs = slowBegunMs + ALL_CUT_WITHIN_MS - performance.now()
    const isAsBefore = (): boolean => processes.every(({ pid }, i) => {
      const { descriptors, threads } = resources(pid)
      // Fewer than before is fine: an idle thread may have ended meanwhile.
      return descriptors <= (before[i]?.descriptors ?? 0) && threads <= (before[i]?.threads ?? 0)
    })
    await until(isAsBefore, 'descriptors and threads are back', Math.max(deadlineMs, 1_000), () => JSON.stringify({ before, now: processes.map(({ pid }) => resources(pid)) }))
    t.ok(isAsBefore(), 'descriptors and threads are back where they were')
    for (const socket of await deaf) socket.destroy()
    await beside(t, async () => {})
    for (const process of processes) t.equal(complaints(process), '')
  })

  await t.test('what was saved beside it is right', async (t) => {
    const files = await visibleFiles(fetcher.folder)
    t.ok(files.length > 6)
    for (const file of files) t.equal(await firstDifference(join(fetcher.folder, file), join(victim.folder, file)), undefined, `${file} is right`)
    t.equal(await fetcher.leave(), 0)
    t.equal(await victim.leave(), 0)
  })
})

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

void t.test('exit and have speak only for the connection they come on', async (t) => {
  const tracker = await startTracker(t)
  const owner = await FakeOwner.start(t, { name: 'owner', tracker })
  const file = await owner.share('a.bin', pseudoRandomBytes(1_000, 'a'))
  const { size, digest, pieceLength } = file
  const stranger = await TrackerLine.connect('stranger', tracker)
  t.teardown(() => stranger.close())
  const claim = { filename: 'a.bin', size, digest, pieceLength, inputPort: 1, outputPort: 2 }
  const isThere = async (): Promise<void> => {
    const { owners } = await stranger.request('need', { filename: 'a.bin' })
    t.strictSame(owners, [{ name: 'owner', host: HOST, inputPort: owner.inputPort, outputPort: owner.outputPort, complete: true }], 'the owner stays, with its ports')
  }

  await t.rejects(stranger.request('exit', { name: 'owner' }), { code: 'E_NAME' }, 'leaving in the name of another')
  await isThere()
  await t.rejects(stranger.request('exit', { name: 'owner', filename: 'a.bin' }), { code: 'E_NAME' }, 'withdrawing in the name of another')
  await isThere()
  await t.rejects(stranger.request('have', { ...claim, name: 'owner' }), { code: 'E_NAME' }, 'other ports in the name of another')
  await isThere()
  await t.rejects(TrackerLine.connect('owner', tracker), { code: 'E_NAME_TAKEN' }, 'the name of another on a connection of its own')
  await isThere()
  await stranger.request('exit', { filename: 'a.bin' })
  await isThere()

  // What it says of itself counts, but for its host.
  await stranger.request('have', { ...claim, host: '192.0.2.1', address: '192.0.2.1', ip: '192.0.2.1' })
  const { owners } = await (await connected(t, 'asker', tracker)).request('need', { filename: 'a.bin' }) as unknown as { owners: Array<{ name: string, host: string }> }
  t.strictSame(owners.map(({ name, host }) => `${name} ${host}`).sort(), [`owner ${HOST}`, `stranger ${HOST}`])
})

void t.test('a second live node with the same name is refused, and the first one serves on', async (t) => {
  const [dir, otherDir] = [await tempDir(t), await tempDir(t)]
  const tracker = await startTracker(t)
  const first = await startNode(t, { name: 'twin', tracker, dir })
  await writePseudoRandom(join(first.folder, 'a.bin'), 3 * MiB)
  await first.upload('a.bin')

  for (const [where, twinDir] of [['at the tracker', otherDir], ['on the folder', dir]] as const) {
    const second = new NodeCommand(t, { name: 'twin', tracker, dir: twinDir })
    t.strictSame(await second.exit(), { status: 25, signal: null }, `its name is taken ${where}`)
    t.match(second.stderr, /^failed: E_NAME_TAKEN .*"/m)
    t.equal(second.stderr.trimEnd().split('\n').length, 1, 'there is one line about it', { stderr: second.stderr })
  }

  const fetcher = await startNode(t, { name: 'fetcher', tracker, dir })
  await fetcher.download('a.bin')
  t.equal(await firstDifference(join(fetcher.folder, 'a.bin'), join(first.folder, 'a.bin')), undefined)
  t.equal(await fetcher.leave(), 0)
  t.equal(await first.leave(), 0)
})

interface Setting {
  tracker: TrackerCommand
  victim: NodeCommand
  fetcher: NodeCommand
  ports: Record<Port, number>
  /** Fetches a file that was not fetched yet. Gives the seconds as the node counts them: this process is busy attacking. */
  download: () => Promise<number>
}

async function setUp (t: Test, flags: readonly string[] = []): Promise<Setting> {
  const dir = await tempDir(t)
  const tracker = await startTracker(t, { flags })
  // These are good names; only as keys they would be trouble.
  const victim = new NodeCommand(t, { name: 'constructor', tracker, dir, flags })
  const { input, output } = await victim.listening()
  const names = ['__proto__', 'constructor', ...HONEST_FILES]
  const original = join(dir, 'original')
  await writePseudoRandom(original, HONEST_BYTES)
  for (const name of names) await link(original, join(victim.folder, name))
  await victim.upload(...names)

  const fetcher = await startNode(t, { name: 'fetcher', tracker, dir, json: true, flags })
  const download = async (): Promise<number> => {
    const name = names.shift()
    if (name === undefined) throw new Error('there are not enough files')
    fetcher.say(`torrent -m download ${words([name])}`)
    const [line] = await fetcher.waitFor(new RegExp(`^\\{"event":"(?:saved|failed)","file":"${name}".*$`, 'm'), { ms: DOWNLOADED_WITHIN_MS })
    const event = JSON.parse(line) as { event: string, seconds: number }
    if (event.event !== 'saved') throw new Error(line)
    return event.seconds
  }
  return { tracker, victim, fetcher, ports: { tracker: tracker.port, input, output }, download }
}

async function connected (t: Test, name: string, tracker: TrackerCommand): Promise<TrackerLine> {
  const line = await TrackerLine.connect(name, tracker)
  t.teardown(() => line.close())
  return line
}

/** A message for a port, with some fields replaced, added or left out; values are JSON as it goes out. */
function line (port: Port, fields: Record<string, string | undefined> = {}): string {
  const entries = Object.entries({ ...GOOD[port], ...pick(port, fields) }).filter(([, json]) => json !== undefined)
  return `{${entries.map(([key, json]) => `${JSON.stringify(key)}:${json}`).join(',')}}`
}

/** Only the tracker is told names of nodes. */
function pick (port: Port, fields: Record<string, string | undefined>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== 'name' || port === 'tracker'))
}

function tracker (fields: Record<string, string | undefined>): string {
  return line('tracker', fields)
}

function good (fields: Record<string, string | undefined> = {}): Row['bytes'] {
  return (port) => [line(port, fields), '\n']
}

function * repeat (bytes: Uint8Array, times: number): Generator<Uint8Array> {
  for (let i = 0; i < times; i++) yield bytes
}

/** The node that a message says it is from. */
function nameIn (bytes: Iterable<string | Uint8Array>): string {
  const [chunk = ''] = bytes
  return /"name":"([A-Za-z0-9][\w.-]{0,63})"/.exec(chunk.slice(0, KiB).toString())?.[1] ?? 'stranger'
}

/** One connection after the other: some of the rows go by the same name. */
async function sendRows (
  t: Test, port: Port, knock: (bytes: Iterable<string | Uint8Array>) => Promise<Socket>, isRight?: (answer: { text: string }) => boolean
): Promise<void> {
  for (const { name, ports, bytes, expected, clientEnds = false } of ROWS) {
    if (!ports.includes(port)) continue
    const { text, isClosed } = await talk(await knock(bytes(port)), bytes(port), clientEnds)
    t.ok(isClosed, `${port}: closed after ${name}`)
    if (isRight) {
      t.ok(isRight({ text }), `${port}: no answer to ${name}`, { text: text.slice(0, 500) })
      continue
    }
    const answers = text.split('\n').filter((reply) => reply !== '').map((reply) => outcomeOf(reply)).join()
    const isExpected = expected.some((answer) => answers === (answer === GOOD_ANSWER ? ANSWERS[port] : answer))
    t.ok(isExpected, `${port}: the answer to ${name}`, { expected, answers, text: text.slice(0, 500) })
  }
}

/** Sends it all, and gives all that comes back until the connection is closed. */
async function talk (to: number | Socket, bytes: Iterable<string | Uint8Array>, clientEnds: boolean): Promise<{ text: string, isClosed: boolean }> {
  const socket = typeof to === 'number' ? open(to) : to
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const closed = isClosedWithin(socket, CLOSED_WITHIN_MS)
  for (const chunk of bytes) {
    if (socket.destroyed) break
    if (!socket.write(chunk)) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed])
  }
  if (clientEnds) socket.end()
  const isClosed = await closed
  socket.destroy()
  return { text: Buffer.concat(chunks).toString(), isClosed }
}

/** Unlike `once`, it takes a reset for what it is: a way to be closed. */
async function isClosedWithin (socket: Socket, ms: number): Promise<boolean> {
  return await new Promise<boolean>((resolve) => {
    const timer = setTimeout(resolve, ms, false)
    socket.once('close', () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}

/** The code of a reply, or `ok`. */
function outcomeOf (reply: string): string {
  const { error } = JSON.parse(reply) as { error?: { code: string } }
  return error?.code ?? 'ok'
}

/** How long each of the slow ones was let. */
async function beginSlow (t: Test, ports: Record<Port, number>): Promise<Array<{ name: string, port: Port, isAnswered: boolean, ms: number }>> {
  return await Promise.all(SLOW.flatMap(({ name, ports: itsPorts, isAnswered = false, go }) => itsPorts.map(async (port) => {
    const socket = open(ports[port], { localAddress: SLOW_ADDRESS, allowHalfOpen: isAnswered })
    t.teardown(() => socket.destroy())
    socket.resume()
    await once(socket, 'connect')
    const begunMs = performance.now()
    go(socket, port)
    await isClosedWithin(socket, ALL_CUT_WITHIN_MS)
    return { name, port, isAnswered, ms: performance.now() - begunMs }
  })))
}

function drip (socket: Socket, text: string): void {
  const bytes = Buffer.from(text)
  let sent = 0
  const timer = setInterval(() => { socket.write(bytes.subarray(sent, ++sent)) }, 100)
  socket.once('close', () => clearInterval(timer))
}

/** Those that ask for much more than fits into any buffer of the system's, and read nothing of it. */
async function beginDeaf (t: Test, ports: Record<Port, number>): Promise<Socket[]> {
  const haves = Array.from({ length: 300 }, (_, i) => `${tracker({ name: '"deaf"', filename: `"${i}${'x'.repeat(200)}"` })}\n`)
  const list = `${tracker({ name: '"deaf"', mode: '"list"' })}\n`
  const shared = (port: Port, fields = {}): string => `${line(port, { filename: '"constructor"', digest: undefined, ...fields })}\n`
  const digest = await digestOfShare(ports.input)
  const requests: Record<Port, string> = {
    tracker: haves.join('') + list.repeat(300),
    input: shared('input').repeat(20_000),
    output: shared('output', { digest: JSON.stringify(digest), range: `[0,${HONEST_BYTES}]` }),
  }
  return await Promise.all(PORTS.map(async (port) => {
    const socket = open(ports[port], { localAddress: SLOW_ADDRESS })
    t.teardown(() => socket.destroy())
    await once(socket, 'connect')
    socket.pause()
    socket.write(requests[port])
    return socket
  }))
}

async function digestOfShare (inputPort: number): Promise<string> {
  const { text } = await talk(inputPort, [line('input', { filename: '"constructor"', digest: undefined }), '\n'], true)
  return (JSON.parse(text) as { digest: string }).digest
}

async function openIdle (port: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  while (sockets.length < IDLE_CONNECTIONS / PORTS.length) {
    const batch = Array.from({ length: IDLE_BATCH }, () => open(port).resume())
    await Promise.all(batch.map(async (socket) => await Promise.race([once(socket, 'connect'), isClosedWithin(socket, CLOSED_WITHIN_MS)])))
    sockets.push(...batch)
  }
  return sockets
}

function open (port: number, options: { localAddress?: string, allowHalfOpen?: boolean } = {}): Socket {
  const socket = connect({ host: HOST, port, noDelay: true, ...options })
  // A reset is one of the ways to be refused.
  socket.on('error', () => {})
  return socket
}

interface Resources {
  residentBytes: number
  descriptors: number
  threads: number
}

function resources (pid: number): Resources {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return {
    residentBytes: Number(kibibytes) * KiB,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: readdirSync(`/proc/${pid}/task`).length,
  }
}

/** Looks again and again: what another process holds open is no event here. */
async function until (isTrue: () => boolean, what: string, ms: number, details = (): string => ''): Promise<void> {
  const deadlineMs = performance.now() + ms
  while (!isTrue()) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${ms} ms: ${what} ${details()}`)
    await sleep(50)
  }
}
