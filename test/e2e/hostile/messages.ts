/** What strangers send to the three ports: a table, one row a kind, and what may be answered. */
import { pseudoRandomBytes } from '../../helpers/files.js'
import { KiB, MiB } from '../../../lib/protocol/units.js'

export type Port = 'tracker' | 'input' | 'output'
export const PORTS: Port[] = ['tracker', 'input', 'output']

export interface Row {
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
export const ANSWERS: Record<Port, string> = { tracker: 'ok', input: 'E_NOT_SHARED', output: 'E_NOT_SHARED' }
export const GOOD_ANSWER = 'the answer to a good message'

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

export const ROWS: Row[] = [
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

/** A message for a port, with some fields replaced, added or left out; values are JSON as it goes out. */
export function line (port: Port, fields: Record<string, string | undefined> = {}): string {
  const entries = Object.entries({ ...GOOD[port], ...pick(port, fields) }).filter(([, json]) => json !== undefined)
  return `{${entries.map(([key, json]) => `${JSON.stringify(key)}:${json}`).join(',')}}`
}

/** Only the tracker is told names of nodes. */
function pick (port: Port, fields: Record<string, string | undefined>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== 'name' || port === 'tracker'))
}

export function tracker (fields: Record<string, string | undefined>): string {
  return line('tracker', fields)
}

function good (fields: Record<string, string | undefined> = {}): Row['bytes'] {
  return (port) => [line(port, fields), '\n']
}

export function * repeat (bytes: Uint8Array, times: number): Generator<Uint8Array> {
  for (let i = 0; i < times; i++) yield bytes
}
