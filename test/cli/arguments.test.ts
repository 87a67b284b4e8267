import t from 'tap'
import { parseNodeArguments, parseTrackerArguments } from '../../lib/cli/arguments.js'

const NODE = {
  command: 'run',
  name: 'NodeC',
  inputPort: 0,
  outputPort: 0,
  tracker: { host: '127.0.0.1', port: 12_340 },
  dir: 'node_files',
  host: '127.0.0.1',
  json: false,
  logs: false,
  separateParts: false,
  remember: false,
  findsTracker: false,
  insecure: false,
}
const TRACKER = { command: 'run', port: 12_340, host: '127.0.0.1', allowAdvertise: false, isFound: true, logs: false, insecure: false }

await t.test('bin/tracker', async (t) => {
  const table: Array<[argv: string[], wanted: object]> = [
    [[], TRACKER],
    [['-p', '0'], { ...TRACKER, port: 0 }],
    [['-p', '65535', '--host', '0.0.0.0'], { ...TRACKER, port: 65_535, host: '0.0.0.0' }],
    [['--port', '5'], { ...TRACKER, port: 5 }],
    [['--host=::1'], { ...TRACKER, host: '::1' }],
    [['--host', '[::1]'], { ...TRACKER, host: '::1' }],
    [['--max-connections', '10'], { ...TRACKER, maxConnections: 10 }],
    [['--no-discovery'], { ...TRACKER, isFound: false }],
    [['--allow-advertise'], { ...TRACKER, allowAdvertise: true }],
    [['--secret-file', 'a b'], { ...TRACKER, secretFile: 'a b' }],
    [['--secret-file=new', '--old-secret-file', 'old'], { ...TRACKER, secretFile: 'new', oldSecretFile: 'old' }],
    [['--insecure'], { ...TRACKER, insecure: true }],
    [['--new-secret', 'F'], { command: 'new-secret', path: 'F' }],
    [['--help'], { command: 'help' }],
    [['--version'], { command: 'version' }],
  ]
  for (const [argv, wanted] of table) t.strictSame(parseTrackerArguments(argv, {}), wanted, argv.join(' '))
})

await t.test('bin/tracker: what makes no sense', async (t) => {
  const table = [
    ['-p'], ['-p', ''], ['-p', 'abc'], ['-p', '65536'], ['-p', '-1'], ['-p', '1.5'], ['-p', '0x10'], ['-p', '1e3'], ['-p', ' 1'], ['-p', '123456'], ['-p', '8082', '9092'],
    ['-p', '1', '-p', '2'], ['--host'], ['--host', 'a', '--host', 'b'], ['-x'], ['--nonsense'], ['--nonsense=1'], ['-n', 'NodeA'], ['12340'], ['--', '1'], ['--json'],
    ['--no-port'], ['--no-host'], ['--no-help'], ['--__proto__', '1'], ['--constructor', '1'], ['--port.x', '1'],
    ['--secret-file'], ['--secret-file='], ['--secret-file', 'a', '--secret-file', 'b'], ['--old-secret-file', 'a'], ['--new-secret'], ['--no-insecure'], ['--insecure=yes'],
    ['--secret', 'x'], ['--no-secret-file'],
    ['--max-connections'], ['--max-connections', '0'], ['--max-connections', '-1'], ['--max-connections', '1.5'], ['--max-connections', '4k'], ['--allow-advertise=yes'],
    ['--host', 'a b'], ['--host', 'lab:5'], ['-d', 'x'], ['-p', '0', '--port', '0'], ['-p', '0', 'stray'],
  ]
  for (const argv of table) t.throws(() => parseTrackerArguments(argv, {}), { code: 'E_USAGE', exitStatus: 2 }, argv.join(' '))
})

await t.test('bin/node', async (t) => {
  const table: Array<[argv: string[], wanted: object]> = [
    [['-n', 'NodeC'], NODE],
    [['--name', 'NodeC'], NODE],
    [['--name=NodeC'], NODE],
    [['-n', 'NodeC', '-p', '8082', '9092'], { ...NODE, inputPort: 8082, outputPort: 9092 }],
    [['-p', '8082', '9092', '-n', 'NodeC'], { ...NODE, inputPort: 8082, outputPort: 9092 }],
    [['-n', 'NodeC', '-p', '0', '0'], NODE],
    [['-n', 'NodeC', '-p', '0', '65535', '--json'], { ...NODE, outputPort: 65_535, json: true }],
    [['-n', 'NodeC', '-t', 'tracker.lab:5', '-d', 'my files', '--host', '0.0.0.0'], { ...NODE, tracker: { host: 'tracker.lab', port: 5 }, dir: 'my files', host: '0.0.0.0' }],
    [['-n', 'NodeC', '--tracker', '[::1]:12340', '--dir', '/srv'], { ...NODE, tracker: { host: '::1', port: 12_340 }, dir: '/srv' }],
    [['-n', 'NodeC', '--separate-parts'], { ...NODE, separateParts: true }],
    [['-n', 'NodeC', '--advertise', 'lab.example', '--give-up', '30s'], { ...NODE, advertise: { host: 'lab.example' }, giveUpMs: 30_000 }],
    [['-n', 'NodeC', '--advertise', '[fd00::1]:1:2', '--give-up=5'], { ...NODE, advertise: { host: 'fd00::1', inputPort: 1, outputPort: 2 }, giveUpMs: 300_000 }],
    [['-n', 'NodeC', '--up', '50M', '--down=1.5G'], { ...NODE, up: 52_428_800, down: 1_610_612_736 }],
    [['-n', 'NodeC', '--up', 'off', '--down', '65536'], { ...NODE, down: 65_536 }],
    // What looks like a number is still a name.
    [['-n', '007'], { ...NODE, name: '007' }],
    [['-n', '1e3', '-d', '0x10'], { ...NODE, name: '1e3', dir: '0x10' }],
    [['-n', 'true'], { ...NODE, name: 'true' }],
    [['-n', 'NodeC', '--secret-file', '5', '--old-secret-file=-x', '--insecure'], { ...NODE, secretFile: '5', oldSecretFile: '-x', insecure: true }],
    [['--help'], { command: 'help' }],
    [['-n', 'NodeC', '--version'], { command: 'version' }],
  ]
  for (const [argv, wanted] of table) t.strictSame(parseNodeArguments(argv, {}), wanted, argv.join(' '))
})

await t.test('bin/node: what makes no sense', async (t) => {
  const name = ['-n', 'NodeC']
  const table = [
    [], ['-n'], ['-n', ''], ['--name='], ['-n', 'NodeC', '-n', 'NodeD'],
    [...name, '-p'], [...name, '-p', '8082'], ['-p', '8082', ...name], [...name, '-p', '8082', 'x'], [...name, '-p', 'x', '9092'], [...name, '-p', '8082', '65536'],
    [...name, '-p', '-1', '9092'], [...name, '-p', '8082', '9092', '9093'], [...name, '-p', '1', '2', '-p', '3', '4'], [...name, '-p', '8082,9092'], [...name, '-p8082'],
    [...name, '-t'], [...name, '-t', ''], [...name, '-t', ':5'], [...name, '-t', 'host:'], [...name, '-t', 'host:0'], [...name, '-t', 'host:65536'],
    [...name, '-t', 'host:x'], [...name, '-t', '::1:12340'], [...name, '-t', 'a', '--tracker', 'b'], [...name, '-t', 'a:1', '-t', 'b:2'],
    [...name, '-d'], [...name, '-d', ''], [...name, '-d', 'a', '-d', 'b'], [...name, '--host'], [...name, '--host='],
    [...name, '--up'], [...name, '--up', ''], [...name, '--up', '0'], [...name, '--up', '-5M'], [...name, '--up=50MB'], [...name, '--up', '1M', '--up', '2M'], [...name, '--no-up'],
    [...name, '--down'], [...name, '--down', 'fast'], [...name, '--down', '1023'],
    [...name, '-x'], [...name, '--nonsense'], [...name, '--nonsense=5'], [...name, '--port', '5'], [...name, 'upload'], [...name, '--', 'upload'], [...name, '-j'],
    [...name, '--no-tracker'], [...name, '--no-dir'], [...name, '--no-host'], [...name, '--no-name'], [...name, '--no-json'], [...name, '--json=maybe'],
    [...name, '--name.first', 'x'], [...name, '--__proto__', 'x'], [...name, '--constructor', 'x'],
    [...name, '--advertise'], [...name, '--advertise', 'host:1'], [...name, '--advertise', '0.0.0.0'], [...name, '--give-up', '0'], [...name, '--give-up', 'soon'], [...name, '-z'],
    [...name, '--secret-file'], [...name, '--old-secret-file', 'a'], [...name, '--new-secret', 'F'], [...name, '--insecure=1'],
  ]
  for (const argv of table) t.throws(() => parseNodeArguments(argv, {}), { code: 'E_USAGE', exitStatus: 2 }, argv.join(' '))
})

await t.test('a node name that is not allowed', async (t) => {
  for (const name of ['a/b', '..', 'a b', '../x', '_x', '.x', 'x'.repeat(65), 'é']) t.throws(() => parseNodeArguments([`--name=${name}`]), { code: 'E_NAME', exitStatus: 16 }, name)
})

await t.test('what is wrong is named', async (t) => {
  t.throws(() => parseNodeArguments(['-n', 'NodeC', '--nonsense']), { message: /"--nonsense".*--help/ })
  t.throws(() => parseNodeArguments(['-n', 'NodeC', '-p', '8082', '70000']), { message: /65535.*"70000"/ })
  t.throws(() => parseNodeArguments(['-n', 'NodeC', '-t', 'x:y']), { message: /-t wants a port.*"y"/ })
})

await t.test('the file of the secret may be named by a variable; an option counts before it', async (t) => {
  const environment = { PIECEMEAL_SECRET_FILE: 'from the environment' }
  for (const parse of [parseTrackerArguments, (argv: string[], environment: object) => parseNodeArguments(['-n', 'NodeC', ...argv], { ...environment })]) {
    t.match(parse([], environment), { secretFile: 'from the environment' })
    t.match(parse(['--old-secret-file', 'old'], environment), { secretFile: 'from the environment', oldSecretFile: 'old' })
    t.match(parse(['--secret-file', 'named'], environment), { secretFile: 'named' })
    t.notOk('secretFile' in parse([], { PIECEMEAL_SECRET_FILE: '' }), 'an empty one is none')
  }
})
