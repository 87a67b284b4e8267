/** Every message off the wire: hostile input as tables of field, JSON text and code. */
import fc from 'fast-check'
import t from 'tap'
import { ConflictError, PiecemealError } from '../../lib/protocol/errors.js'
import { fileCommunication, fileRefusal, parseFileCommunication, parseFileRequest } from '../../lib/protocol/file-communication.js'
import { decodeLine, encodeLine } from '../../lib/protocol/line.js'
import { REQUEST_LINE_BYTES } from '../../lib/protocol/limits.js'
import { parseNodeToTracker } from '../../lib/protocol/node-to-tracker.js'
import { parseSizeAnswer, parseSizeQuestion, sizeAnswer, sizeQuestion, sizeRefusal } from '../../lib/protocol/size-information.js'
import { parseTrackerToNode, trackerRefusal, trackerReply } from '../../lib/protocol/tracker-to-node.js'
import { MiB } from '../../lib/protocol/units.js'

type Message = Record<string, unknown>
type Parse = (value: Message) => unknown
/** Field, its value as JSON text (undefined: left out), the code. */
type BadField = [field: string, json: string | undefined, code: string]

const DIGEST = `blake3:${'0123456789abcdef'.repeat(4)}`
const owner = { name: 'NodeB', host: '127.0.0.1', inputPort: 1, outputPort: 65_535, complete: true }

const MESSAGES: Record<string, { valid: Message, parse: Parse, optional?: string[] }> = {
  have: {
    valid: { type: 'NodeToTracker', mode: 'have', name: 'NodeA', filename: 'a.png', size: 5, digest: DIGEST, pieceLength: MiB, inputPort: 8082, outputPort: 9092, complete: false },
    parse: parseNodeToTracker,
    optional: ['complete'],
  },
  need: { valid: { type: 'NodeToTracker', mode: 'need', name: 'NodeA', filename: 'a.png', digest: DIGEST, own: true }, parse: parseNodeToTracker, optional: ['digest', 'own'] },
  exit: { valid: { type: 'NodeToTracker', mode: 'exit', name: 'NodeA', filename: 'a.png' }, parse: parseNodeToTracker, optional: ['filename'] },
  list: { valid: { type: 'NodeToTracker', mode: 'list', name: 'NodeA', prefix: 'a' }, parse: parseNodeToTracker, optional: ['prefix'] },
  alive: { valid: { type: 'NodeToTracker', mode: 'alive', name: 'NodeA' }, parse: parseNodeToTracker },
  'have reply': { valid: { type: 'TrackerToNode', mode: 'have', ok: true, interval: 20 }, parse: (value) => parseTrackerToNode('have', value), optional: ['interval'] },
  'exit reply': { valid: { type: 'TrackerToNode', mode: 'exit', ok: true }, parse: (value) => parseTrackerToNode('exit', value) },
  'alive reply': { valid: { type: 'TrackerToNode', mode: 'alive', ok: true, interval: 20 }, parse: (value) => parseTrackerToNode('alive', value), optional: ['interval'] },
  'need reply': {
    valid: { type: 'TrackerToNode', mode: 'need', filename: 'a.png', size: 5, digest: DIGEST, pieceLength: MiB, owners: [owner] },
    parse: (value) => parseTrackerToNode('need', value),
  },
  'list reply': {
    valid: { type: 'TrackerToNode', mode: 'list', files: [{ filename: 'a.png', size: 5, digest: DIGEST, owners: 1 }], truncated: true },
    parse: (value) => parseTrackerToNode('list', value),
    optional: ['truncated'],
  },
  'size question': {
    valid: { type: 'SizeInformation', filename: 'a.png', digest: DIGEST, size: -1, pieces: false }, parse: parseSizeQuestion, optional: ['digest', 'pieces'],
  },
  'size answer': {
    valid: { type: 'SizeInformation', filename: 'a.png', digest: DIGEST, size: 5, pieceLength: MiB, pieces: Buffer.alloc(32, 7).toString('base64'), have: 'gA==' },
    parse: parseSizeAnswer,
    optional: ['pieces', 'have'],
  },
  'file request': { valid: { type: 'FileCommunication', filename: 'a.png', digest: DIGEST, range: [0, 5], name: 'NodeC' }, parse: parseFileRequest, optional: ['name'] },
  'have of a folder': {
    valid: {
      type: 'NodeToTracker', mode: 'have', name: 'NodeA', filename: 'a', size: 5, digest: DIGEST, pieceLength: MiB, inputPort: 8082, outputPort: 9092, kind: 'folder', files: 1_000_000, filesSize: 2 ** 53 - 1,
    },
    parse: parseNodeToTracker,
    optional: ['kind', 'files', 'filesSize'],
  },
  'need reply of a folder': {
    valid: { type: 'TrackerToNode', mode: 'need', filename: 'a', size: 5, digest: DIGEST, pieceLength: MiB, owners: [owner], kind: 'folder', files: 0, filesSize: 0 },
    parse: (value) => parseTrackerToNode('need', value),
    optional: ['kind', 'files', 'filesSize'],
  },
  'size answer of a folder': {
    valid: { type: 'SizeInformation', filename: 'a', digest: DIGEST, size: 5, pieceLength: MiB, pieces: Buffer.alloc(32, 7).toString('base64'), have: '////', final: true, kind: 'folder' },
    parse: parseSizeAnswer,
    optional: ['pieces', 'have', 'final'],
  },
  'request of several ranges': {
    valid: { type: 'FileCommunication', filename: 'a', digest: DIGEST, range: [0, 9], ranges: [[0, 1], [2, 9]], of: 'manifest' },
    parse: parseFileRequest,
    optional: ['ranges', 'of'],
  },
}

/** Values that are no number of bytes. */
const NO_BYTES = ['-1', '1.5', '"5"', 'null', '9007199254740992', '9007199254740993', '1e400', '-1e400', 'true', '[5]', '{}', '{"valueOf":5}']
const NO_PORT = [...NO_BYTES, '0', '65536', '1e9']
const NO_STRING = ['5', 'null', 'true', '["a.png"]', '{}', '{"toString":"a.png"}']
const NO_FILE_NAME = ['""', '"."', '".."', '"a/b"', '"a\\\\b"', '"a\\u0000"', '"a\\nb"', '".piecemeal"', `"${'a'.repeat(256)}"`, '"\\ud800"']
const NO_NODE_NAME = ['""', '"-a"', '"a b"', '"__proto__"', '"\\ud800"', `"${'a'.repeat(65)}"`, '"a\\n"']
const NO_DIGEST = ['""', '"blake3:"', `"${DIGEST.slice(7)}"`, `"${DIGEST}0"`, `"${DIGEST.slice(0, -1)}"`, `"${DIGEST.toUpperCase()}"`, '"sha256:00000000"']
const NO_DIGEST_QUESTION = ['""', '"blake3:"', '"0123456"', '"ghijklmn"', `"${DIGEST}0"`, '"ABCDEF012"']
const NO_BOOLEAN = ['0', '1', '"true"', 'null', '[]']
const NO_KIND = ['"file"', '"Folder"', '""', '"__proto__"', ...NO_STRING]
const NO_BASE64 = ['"*"', '"AAA"', '"AAAAA"', '"gB=="', '"gA"', '"gA==\\n"', '"__-_"', ...NO_STRING]

function each (field: string, texts: string[], code: string): BadField[] {
  return texts.map((json) => [field, json, code])
}

const name = [...each('name', NO_STRING, 'E_PROTOCOL'), ...each('name', NO_NODE_NAME, 'E_NAME')]
const filename = [...each('filename', NO_STRING, 'E_PROTOCOL'), ...each('filename', NO_FILE_NAME, 'E_NAME')]
const size = each('size', NO_BYTES, 'E_PROTOCOL')
const digest = [...each('digest', NO_STRING, 'E_PROTOCOL'), ...each('digest', NO_DIGEST, 'E_PROTOCOL')]
const digestQuestion = [...each('digest', NO_STRING, 'E_PROTOCOL'), ...each('digest', NO_DIGEST_QUESTION, 'E_PROTOCOL')]
const pieceLength = each('pieceLength', [...NO_BYTES, '0', '1', '524288', '1048577', '3145728'], 'E_PROTOCOL')
const ok = each('ok', ['false', '1', '"true"', 'null'], 'E_PROTOCOL')
const interval = each('interval', [...NO_BYTES, '0', '1e9'], 'E_PROTOCOL')

function withField (message: Message, field: string, json: string | undefined): string {
  const others = Object.entries(message).filter(([key]) => key !== field).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
  return `{${[...others, ...(json === undefined ? [] : [`${JSON.stringify(field)}:${json}`])].join(',')}}`
}

function ownersReply (owners: unknown): string {
  return JSON.stringify(owners)
}

const BAD_FIELDS: Record<string, BadField[]> = {
  have: [
    ...name, ...filename, ...size, ...digest, ...pieceLength, ...each('inputPort', NO_PORT, 'E_PROTOCOL'), ...each('outputPort', NO_PORT, 'E_PROTOCOL'),
    ...each('complete', NO_BOOLEAN, 'E_PROTOCOL'), ...each('executable', NO_BOOLEAN, 'E_PROTOCOL'), ['size', '8589934593', 'E_PROTOCOL'], ['pieceLength', '2097152', 'E_PROTOCOL'],
  ],
  need: [...name, ...filename, ...digestQuestion, ...each('own', NO_BOOLEAN, 'E_PROTOCOL')],
  exit: [...name, ...filename],
  list: [...name, ...each('prefix', NO_STRING, 'E_PROTOCOL')],
  alive: name,
  'have reply': [...ok, ...interval],
  'exit reply': ok,
  'alive reply': [...ok, ...interval],
  'need reply': [
    ...filename, ...size, ...digest, ...pieceLength,
    ...each('owners', ['null', '{}', '5', '[5]', '[null]', '[[]]', '[{}]'], 'E_PROTOCOL'),
    ['owners', ownersReply(Array.from({ length: 51 }, () => owner)), 'E_PROTOCOL'],
    ['owners', ownersReply([{ ...owner, name: '../x' }]), 'E_NAME'],
    ['owners', ownersReply([owner, { ...owner, host: 5 }]), 'E_PROTOCOL'],
    ['owners', ownersReply([{ ...owner, inputPort: 0 }]), 'E_PROTOCOL'],
    ['owners', ownersReply([{ ...owner, outputPort: '1' }]), 'E_PROTOCOL'],
    ['owners', ownersReply([{ ...owner, complete: 1 }]), 'E_PROTOCOL'],
    ['owners', ownersReply([{ ...owner, executable: 'yes' }]), 'E_PROTOCOL'],
    ['pieceLength', '2097152', 'E_PROTOCOL'],
  ],
  'list reply': [
    ...each('files', ['null', '{}', '[null]', '[{}]'], 'E_PROTOCOL'),
    ['files', JSON.stringify(Array.from({ length: 1_001 }, () => ({ filename: 'a', size: 5, digest: DIGEST, owners: 1 }))), 'E_PROTOCOL'],
    ['files', JSON.stringify([{ filename: '../a', size: 5, digest: DIGEST, owners: 1 }]), 'E_NAME'],
    ['files', JSON.stringify([{ filename: 'a', size: -1, digest: DIGEST, owners: 1 }]), 'E_PROTOCOL'],
    ['files', JSON.stringify([{ filename: 'a', size: 5, digest: DIGEST, owners: 1.5 }]), 'E_PROTOCOL'],
    ...each('truncated', NO_BOOLEAN, 'E_PROTOCOL'),
  ],
  'size question': [...filename, ...digest, ...each('size', ['0', '1', '-2', '"-1"', 'null', '-1.5'], 'E_PROTOCOL'), ...each('pieces', NO_BOOLEAN, 'E_PROTOCOL')],
  'size answer': [
    ...filename, ...digest, ...size, ...pieceLength, ['pieceLength', '2097152', 'E_PROTOCOL'],
    ...each('pieces', [...NO_BASE64, '""', JSON.stringify(Buffer.alloc(31).toString('base64')), JSON.stringify(Buffer.alloc(64).toString('base64'))], 'E_PROTOCOL'),
    ...each('have', [...NO_BASE64, '""', '"gAA="'], 'E_PROTOCOL'),
    ['size', '1048577', 'E_PROTOCOL'],
  ],
  'file request': [
    ...filename, ...digest, ...name,
    ...each('range', ['null', '5', '"05"', '{}', '[]', '[0]', '[0,1,2]', '[5,0]', '[null,5]', '[0,"5"]', '[0,1.5]', '[-1,5]', '[0,9007199254740992]', '[0,1e400]', '[[0],[5]]'], 'E_PROTOCOL'),
  ],
  'have of a folder': [
    ...each('kind', NO_KIND, 'E_PROTOCOL'), ...each('files', [...NO_BYTES, '1000001'], 'E_PROTOCOL'), ...each('filesSize', NO_BYTES, 'E_PROTOCOL'), ['size', '134217729', 'E_PROTOCOL'],
  ],
  'need reply of a folder': [...each('kind', NO_KIND, 'E_PROTOCOL'), ...each('files', [...NO_BYTES, '1000001'], 'E_PROTOCOL'), ...each('filesSize', NO_BYTES, 'E_PROTOCOL')],
  'size answer of a folder': [
    ...each('kind', NO_KIND, 'E_PROTOCOL'), ...each('have', NO_BASE64, 'E_PROTOCOL'), ...each('final', NO_BOOLEAN, 'E_PROTOCOL'),
    ['size', '134217729', 'E_PROTOCOL'], ['pieces', JSON.stringify(Buffer.alloc(64).toString('base64')), 'E_PROTOCOL'],
  ],
  'request of several ranges': [
    ...each('of', ['"Manifest"', '"files"', '""', ...NO_STRING], 'E_PROTOCOL'),
    ...each('ranges', ['null', '[]', '[0,9]', '[[0]]', '[[0,9,10]]', '[[9,0]]', '[[0,0],[1,9]]', '[[0,1],[1,9]]', '[[0,5],[4,9]]', '[[2,9],[0,1]]', '[[0,1],[2,8]]', '[[1,2],[3,9]]', '[[0,"1"],[2,9]]', '[[0,1.5],[2,9]]', '[[-1,9]]', '[[0,9],null]'], 'E_PROTOCOL'),
    ['ranges', JSON.stringify(Array.from({ length: 1_025 }, (_, at) => [2 * at, 2 * at + 1])), 'E_PROTOCOL'],
    ['range', '[0,10]', 'E_PROTOCOL'], ['range', '[1,9]', 'E_PROTOCOL'],
  ],
}

for (const [kind, { valid, parse, optional = [] }] of Object.entries(MESSAGES)) {
  await t.test(kind, async (t) => {
    const parseText = (text: string): unknown => parse(decodeLine(text))
    const parsed = parse(decodeLine(JSON.stringify(valid)))

    await t.test('valid', async (t) => {
      t.doesNotThrow(() => parseText(JSON.stringify(valid)))
      for (const field of optional) t.doesNotThrow(() => parseText(withField(valid, field, undefined)), `${field} may be left out`)
    })

    await t.test('a missing field', async (t) => {
      for (const field of Object.keys(valid).filter((field) => !optional.includes(field))) {
        t.throws(() => parseText(withField(valid, field, undefined)), { code: 'E_PROTOCOL' }, field)
      }
    })

    await t.test('a type or mode that is not its own', async (t) => {
      const others = ['"Other"', '5', 'null', '[]', '["NodeToTracker"]', '"constructor"', '"__proto__"', '"toString"', '""', '{"toString":1}']
      for (const json of others) {
        t.throws(() => parseText(withField(valid, 'type', json)), { code: 'E_PROTOCOL' }, `type ${json}`)
        if ('mode' in valid) t.throws(() => parseText(withField(valid, 'mode', json)), { code: 'E_PROTOCOL' }, `mode ${json}`)
      }
    })

    await t.test('ill-typed fields', async (t) => {
      for (const [field, json, code] of BAD_FIELDS[kind] ?? []) {
        t.throws(() => parseText(withField(valid, field, json)), { code }, `${field}: ${json?.slice(0, 80)}`)
      }
    })

    await t.test('unknown fields are ignored, and not copied', async (t) => {
      const keys = ['host', 'x', '__proto__', 'constructor', 'toString', 'hasOwnProperty']
      for (const key of keys.filter((key) => !(Object.hasOwn(valid, key)))) {
        for (const json of ['1', '{"name":"evil","polluted":true}', 'null']) t.strictSame(parseText(withField(valid, key, json)), parsed, `${key}: ${json}`)
      }
      t.notOk('polluted' in {})
    })

    await t.test('fields are never taken from __proto__', async (t) => {
      const text = `{"__proto__":${JSON.stringify(valid)},"constructor":${JSON.stringify(valid)}}`
      t.throws(() => parseText(text), { code: 'E_PROTOCOL' })
    })

    await t.test('of duplicates one is taken, and checked', async (t) => {
      const text = JSON.stringify(valid).slice(0, -1)
      for (const [field, json, code] of (BAD_FIELDS[kind] ?? []).slice(0, 5)) {
        t.throws(() => parseText(`${text},${JSON.stringify(field)}:${json}}`), { code }, `${field}: ${json?.slice(0, 80)}`)
      }
    })

    await t.test('property: whatever stands in a field, only errors of the contract come out', async (t) => {
      const field = fc.constantFrom(...Object.keys(valid), 'error', 'versions', '__proto__')
      const value = fc.oneof(
        fc.jsonValue({ stringUnit: 'binary', maxDepth: 3 }), fc.double(), fc.maxSafeInteger(), fc.string({ unit: 'binary' }),
        fc.record({ code: fc.oneof(fc.constantFrom('E_CONFLICT', 'E_NAME', 'constructor'), fc.string()), message: fc.string() }, { requiredKeys: [] })
      )
      fc.assert(fc.property(fc.dictionary(field, value, { maxKeys: 3 }), (changes) => onlyThrows(() => {
        parse(decodeLine(encodeLine({ ...valid, ...changes }).slice(0, -1)))
      }, ['E_PROTOCOL', 'E_NAME', 'E_LIMIT', 'E_CONFLICT'])), { numRuns: 100 })
      t.pass('100 messages')
    })
  })
}

/** Whether it throws nothing but errors of the contract. */
function onlyThrows (work: () => void, codes: string[]): boolean {
  try {
    work()
    return true
  } catch (error) {
    return error instanceof PiecemealError && codes.includes(error.code)
  }
}

await t.test('property: any JSON value is a message or an error of the contract', async (t) => {
  const parses = Object.values(MESSAGES).map(({ parse }) => parse)
  fc.assert(fc.property(fc.json({ stringUnit: 'binary' }), fc.constantFrom(...parses), (text, parse) =>
    onlyThrows(() => { parse(decodeLine(text)) }, ['E_PROTOCOL', 'E_NAME', 'E_LIMIT'])), { numRuns: 500 })
  t.pass('500 values')
})

await t.test('as names, words of JavaScript are words like any other', async (t) => {
  for (const filename of ['__proto__', 'constructor', 'toString']) {
    for (const { valid, parse } of Object.values(MESSAGES).filter(({ valid }) => 'filename' in valid)) {
      t.match(parse(decodeLine(withField(valid, 'filename', JSON.stringify(filename)))), { filename })
    }
  }
  t.match(parseNodeToTracker({ type: 'NodeToTracker', mode: 'alive', name: 'constructor' }), { name: 'constructor' })
})

await t.test('a name with half a surrogate ends the connection: its line is no Unicode', async (t) => {
  t.throws(() => parseNodeToTracker(decodeLine('{"type":"NodeToTracker","mode":"need","name":"a","filename":"\\ud800"}')), { code: 'E_NAME', endsConnection: true })
  t.throws(() => parseNodeToTracker({ type: 'NodeToTracker', mode: 'need', name: 'a', filename: '../a' }), { code: 'E_NAME', endsConnection: false })
})

await t.test('a kind that came later is refused by itself, and may be listed', async (t) => {
  const needsNewer = { code: 'E_PROTOCOL', message: /"volume".*needs a newer piecemeal/, endsConnection: false }
  for (const kind of ['have of a folder', 'need reply of a folder', 'size answer of a folder']) {
    const { valid, parse } = MESSAGES[kind] ?? {}
    t.throws(() => parse?.({ ...valid, kind: 'volume' }), needsNewer, kind)
  }
  const files = [{ filename: 'a', size: 5, digest: DIGEST, owners: 1, kind: 'volume', files: 7, filesSize: 9 }]
  t.strictSame(parseTrackerToNode('list', { ...trackerReply('list', { files }) }), { files })
})

await t.test('a digest may be asked for by its beginning', async (t) => {
  for (const digest of ['01234567', 'blake3:01234567', DIGEST, DIGEST.slice(7)]) {
    t.match(parseNodeToTracker({ type: 'NodeToTracker', mode: 'need', name: 'a', filename: 'b', digest }), { digest })
  }
})

await t.test('sizes and counts at their edges', async (t) => {
  const have = (size: number, pieceLength: number): unknown => parseNodeToTracker({ ...MESSAGES.have?.valid, size, pieceLength })
  for (const [size, pieceLength] of [[0, MiB], [1, MiB], [2 ** 33, MiB], [2 ** 33 + 1, 2 * MiB], [Number.MAX_SAFE_INTEGER, 2 ** 40]] as const) {
    t.match(have(size, pieceLength), { size, pieceLength })
  }
  t.match(parseSizeAnswer({ type: 'SizeInformation', filename: 'a', digest: DIGEST, size: 0, pieceLength: MiB, pieces: '' }), { size: 0, pieces: Buffer.alloc(0) })
  t.match(parseFileCommunication({ type: 'FileCommunication', filename: 'a', digest: DIGEST, range: [7, 7] }), { range: { start: 7, end: 7 } })
})

await t.test('what is built is what is parsed', async (t) => {
  const content = { filename: '__proto__', size: 5, digest: DIGEST, pieceLength: MiB }
  t.strictSame(parseTrackerToNode('need', { ...trackerReply('need', { ...content, owners: [owner] }) }), { ...content, owners: [owner] })
  t.strictSame(trackerReply('alive', { ok: true, interval: 20 }), { type: 'TrackerToNode', mode: 'alive', ok: true, interval: 20 })
  t.strictSame(sizeQuestion('a', DIGEST), { type: 'SizeInformation', filename: 'a', digest: DIGEST, size: -1 })
  const pieces = Buffer.alloc(32, 7)
  t.strictSame(sizeAnswer({ ...content, pieces, have: Buffer.from([0x80]) }), { type: 'SizeInformation', ...content, pieces: pieces.toString('base64'), have: 'gA==' })
  t.strictSame(sizeAnswer(content), { type: 'SizeInformation', ...content })
  const range = { start: 3, end: 5 }
  t.strictSame(fileCommunication({ filename: 'a', digest: DIGEST, range }), { type: 'FileCommunication', filename: 'a', digest: DIGEST, range: [3, 5] })
  const named = fileCommunication({ filename: 'a', digest: DIGEST, range, name: 'NodeC' })
  t.strictSame(parseFileCommunication({ ...named }), { filename: 'a', digest: DIGEST, range, name: 'NodeC' })
  const ranges = Array.from({ length: 1_024 }, (_, at) => ({ start: 2 ** 52 + 2 * at, end: 2 ** 52 + 2 * at + 1 }))
  const scattered = { filename: 'x'.repeat(255), digest: DIGEST, range: { start: 2 ** 52, end: 2 ** 52 + 2_047 }, ranges, of: 'manifest' } as const
  t.strictSame(parseFileCommunication(decodeLine(encodeLine(fileCommunication(scattered)))), scattered)
  t.ok(Buffer.byteLength(encodeLine(fileCommunication(scattered))) < REQUEST_LINE_BYTES, 'as many ranges as there may be fit a line')
})

await t.test('a refusal is thrown as what it is', async (t) => {
  const busy = { code: 'E_BUSY', message: 'later' } as const
  t.throws(() => parseTrackerToNode('need', { ...trackerRefusal('need', busy) }), busy)
  t.throws(() => parseSizeAnswer({ ...sizeRefusal(busy) }), busy)
  t.throws(() => parseFileCommunication({ ...fileRefusal(busy) }), busy)
  t.strictSame(trackerRefusal(5, busy), { type: 'TrackerToNode', error: busy }, 'a mode that was no word is not repeated')
  t.strictSame(trackerRefusal('need', busy), { type: 'TrackerToNode', mode: 'need', error: busy })

  const refusal = (error: unknown, more: object = {}): Message => ({ type: 'TrackerToNode', mode: 'need', error, ...more })
  const parse = (message: Message): unknown => parseTrackerToNode('need', message)
  for (const code of ['E_MADE_UP', 'constructor', '__proto__', '']) t.throws(() => parse(refusal({ code, message: 'x' })), { code: 'E_PROTOCOL' }, code)
  for (const error of [null, 5, 'E_BUSY', [], {}, { code: 'E_BUSY' }, { code: 5, message: 'x' }, { code: 'E_BUSY', message: 5 }]) {
    t.throws(() => parse(refusal(error)), { code: 'E_PROTOCOL' }, JSON.stringify(error))
  }

  const versions = [{ digest: DIGEST, size: 5, owners: 2 }]
  const conflict = { code: 'E_CONFLICT', message: 'two' } as const
  t.throws(() => parse(trackerRefusal('need', { ...conflict, versions }) as Message), new ConflictError('two', versions))
  t.strictSame(trackerRefusal('need', { ...conflict, versions }), { type: 'TrackerToNode', mode: 'need', error: conflict, versions })
  for (const bad of [5, [5], [{}], [{ digest: 'x', size: 5, owners: 2 }], [{ digest: DIGEST, size: -1, owners: 2 }]]) {
    t.throws(() => parse(refusal(conflict, { versions: bad })), { code: 'E_PROTOCOL' }, JSON.stringify(bad))
  }
})

await t.test('an owner can refuse only with what an owner can know', async (t) => {
  const table: Array<[said: string, thrown: string]> = [
    ['E_NOT_SHARED', 'E_NOT_SHARED'], ['E_CHANGED', 'E_CHANGED'], ['E_BUSY', 'E_BUSY'], ['E_LIMIT', 'E_BUSY'], ['E_AUTH', 'E_AUTH'],
    // These would be taken for trouble of our own.
    ['E_DISK_FULL', 'E_PROTOCOL'], ['E_INTERRUPTED', 'E_PROTOCOL'], ['E_EXISTS', 'E_PROTOCOL'], ['E_INTERNAL', 'E_PROTOCOL'], ['E_MADE_UP', 'E_PROTOCOL'],
    ['constructor', 'E_PROTOCOL'],
  ]
  for (const [said, code] of table) {
    const error = { code: said, message: 'x' }
    t.throws(() => parseSizeAnswer({ type: 'SizeInformation', error }), { code }, said)
    t.throws(() => parseFileCommunication({ type: 'FileCommunication', error }), { code }, said)
  }
})
