import { join } from 'node:path'
import t from 'tap'
import { commandUsage, manPage, usage } from '../../lib/command/help.js'
import { nearest } from '../../lib/command/nearest.js'
import { readConfigFiles, settingsFor, variableOf, type ConfigFile, type Environment, type Settings } from '../../lib/command/settings.js'
import { COMMANDS, OPTIONS, optionsOf, type CommandName, type OptionName } from '../../lib/command/table.js'

function of (command: CommandName, argv: string[], environment: Environment = {}, files: ConfigFile[] = [], isTolerant = false): Settings {
  return settingsFor(command, argv, { environment, files }, isTolerant)
}

await t.test('flags win over variables, these over the file', async (t) => {
  const files = [{ path: 'mine.json', values: new Map<OptionName, string>([['to', 'c'], ['digest', 'dddddddd'], ['name', 'n']]) }, { path: '/etc/all.json', values: new Map<OptionName, string>([['name', 'other'], ['up', '1M']]) }]
  const settings = of('get', ['x', '--to', 'a'], { PIECEMEAL_TO: 'b', PIECEMEAL_DIGEST: 'eeeeeeee' }, files)
  t.strictSame([settings.text('to'), settings.from('to')], ['a', '--to'])
  t.strictSame([settings.text('digest'), settings.from('digest')], ['eeeeeeee', 'PIECEMEAL_DIGEST'])
  t.strictSame([settings.text('name'), settings.from('name')], ['n', 'mine.json'])
  t.strictSame([settings.text('up'), settings.from('up')], ['1M', '/etc/all.json'])
  t.strictSame(settings.operands, ['x'])
})

await t.test('what overwrites or exposes is typed, and help and version are no settings', async (t) => {
  for (const name of ['insecure', 'allow-shrink', 'help', 'version'] as const) t.equal(variableOf(name), undefined, name)
  const settings = of('get', ['x'], { PIECEMEAL_INSECURE: '1', PIECEMEAL_VERSION: '1.2', PIECEMEAL_HELP: '1', PIECEMEAL_ALLOW_SHRINK: '1' })
  for (const name of ['insecure', 'allow-shrink', 'help'] as const) t.notOk(settings.is(name), name)
})

await t.test('variables: empty is none, a flag is 1, 0, true or false, the rest names the variable', async (t) => {
  t.notOk(of('get', ['x'], { PIECEMEAL_JSON: '0' }).is('json'))
  t.ok(of('get', ['x'], { PIECEMEAL_JSON: 'true' }).is('json'))
  t.equal(of('get', ['x'], { PIECEMEAL_TO: '' }).text('to'), undefined)
  t.throws(() => of('get', ['x'], { PIECEMEAL_JSON: 'yes' }), { code: 'E_USAGE', message: /PIECEMEAL_JSON/ })
  t.ok(of('get', ['x'], { PIECEMEAL_NO_DISCOVERY: '1' }).is('no-discovery'))
  t.strictSame(of('get', ['x'], { PIECEMEAL_ONLY: 'a,b' }).texts('only'), ['a,b'])
})

await t.test('a value that makes no sense names where it stands, before anything is looked for', async (t) => {
  t.throws(() => of('get', ['x'], { PIECEMEAL_UP: 'junk' }), { code: 'E_USAGE', message: /^PIECEMEAL_UP: "junk" is no rate/ })
  t.throws(() => of('get', ['x'], {}, [{ path: '/etc/all.json', values: new Map([['give-up', 'soon']]) }]), { code: 'E_USAGE', message: /^"\/etc\/all.json": give-up: "soon" is no time/ })
  t.throws(() => of('get', ['x', '--down', 'junk']), { code: 'E_USAGE', message: /^--down: / })
  t.throws(() => of('get', ['x'], { PIECEMEAL_TRACKER: 'a:b' }), { code: 'E_USAGE', message: /^PIECEMEAL_TRACKER: / })
  t.match(of('doctor', [], { PIECEMEAL_TRACKER: 'a:b' }, [], true).warnings, [/PIECEMEAL_TRACKER/])
})

await t.test('what somebody may have meant', async (t) => {
  const words = ['share', 'get', 'list', 'status', 'up']
  t.strictSame(['shar', 'gte', 'lsit', 'statsu', 'shrae', 'xyz', ''].map((word) => nearest(word, words)), ['share', 'get', 'list', 'status', 'share', undefined, undefined])
})

await t.test('the doctor goes on whatever stands there, and says so', async (t) => {
  const settings = of('doctor', [], { PIECEMEAL_JSON: 'junk' }, [], true)
  t.match(settings.warnings, [/PIECEMEAL_JSON/])
})

await t.test('a service link of Kubernetes is no setting', async (t) => {
  const settings = of('get', ['x'], { PIECEMEAL_TRACKER: 'tcp://10.0.0.1:12340' })
  t.equal(settings.text('tracker'), undefined)
  t.match(settings.warnings, [/PIECEMEAL_TRACKER is a service link/])
  t.strictSame(of('get', ['x'], { PIECEMEAL_PORT: 'tcp://10.0.0.1:12340' }).warnings, [])
})

await t.test('options as they are typed', async (t) => {
  const settings = of('get', ['a', '-t', 'lab:5', '-0', '--only', 'x', '--only=y', '--keep-sharing', 'b', '--no-discovery', '--', '--to'])
  t.strictSame(settings.operands, ['a', 'b', '--to'])
  t.equal(settings.text('tracker'), 'lab:5')
  t.ok(settings.is('null'))
  t.strictSame(settings.texts('only'), ['x', 'y'])
  t.equal(settings.text('keep-sharing'), '')
  t.ok(settings.is('no-discovery'))
  t.equal(of('get', ['a', '--keep-sharing=5']).text('keep-sharing'), '5')
  t.strictSame(of('get', ['-']).operands, ['-'])
  t.strictSame(of('get', ['007', '1e3']).operands, ['007', '1e3'])
})

await t.test('what makes no sense', async (t) => {
  const table: Array<[CommandName, string[]]> = [
    ['get', ['x', '--nonsense']], ['get', ['x', '--to']], ['get', ['x', '--to=']], ['get', ['x', '--to', 'a', '--to', 'b']], ['get', ['x', '--json=yes']], ['get', ['x', '-x']],
    ['get', ['x', '--no-json']], ['get', ['x', '--once']], ['share', []], ['list', ['a', 'b']], ['status', ['x']], ['cancel', []], ['get', ['--__proto__', '1']], ['get', ['x', '--discovery']], ['get', ['x', '--digest', 'zz']], ['share', ['']], ['get', ['a', '']],
  ]
  for (const [command, argv] of table) t.throws(() => of(command, argv), { code: 'E_USAGE' }, [command, ...argv].join(' '))
  t.throws(() => of('get', ['x', '--diggest', 'y']), { message: /did you mean --digest/ })
  t.throws(() => of('get', ['x', '--fil', 'y']), { message: /did you mean --file/ })
  t.throws(() => of('status', ['--fil', 'y']), { message: /^"--fil" is no option of this command; --help/ }, 'status has none')
})

await t.test('the file: the long names of options, a secret only as a path, and the nearest of what is unknown', async (t) => {
  const folder = t.testdir({
    good: '{"tracker": "lab:5", "json": true, "up": 65536, "secret-file": "/etc/s"}',
    unknown: '{"secretfile": "x"}',
    secret: '{"secret": "x"}',
    typed: '{"update": true}',
    list: '["a"]',
    nonsense: '{',
    deep: '{"to": {}}',
  })
  const read = async (name: string): Promise<ConfigFile[]> => await readConfigFiles({}, [join(folder, name)])
  const settings = of('get', ['x'], {}, await read('good'))
  t.strictSame([settings.text('tracker'), settings.is('json'), settings.text('up'), settings.text('secret-file')], ['lab:5', true, '65536', '/etc/s'])
  await t.rejects(read('unknown'), { code: 'E_USAGE', message: /did you mean secret-file/ })
  await t.rejects(read('typed'), { code: 'E_USAGE', message: /it is typed each time, as --update;/ })
  for (const name of ['secret', 'list', 'nonsense', 'deep']) await t.rejects(read(name), { code: 'E_USAGE' }, name)
  t.strictSame(await read('absent'), [])
})

await t.test('help and the man page have every command and option', async (t) => {
  const page = manPage('1.2.3')
  t.match(page, '.TH PIECEMEAL 1')
  for (const name of Object.keys(COMMANDS) as CommandName[]) {
    if (name === '__complete') {
      t.notMatch(usage(), name)
      continue
    }
    t.match(usage(), `  ${name}`)
    t.match(page, `piecemeal ${name}`)
    for (const option of optionsOf(name)) t.match(commandUsage(name), `--${option}`, `${name} --${option}`)
  }
  const used = new Set((Object.keys(COMMANDS) as CommandName[]).flatMap((name) => optionsOf(name)))
  t.strictSame((Object.keys(OPTIONS) as OptionName[]).filter((name) => name !== 'version' && !used.has(name)), [], 'no option is nobody\'s')
})
