/** The Tab key in real shells: a command, and the name of something in the network, which has a space in it. */
import { execFile, spawnSync } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { ControlServer } from '../../lib/control/control-server.js'
import { ROOT } from '../helpers/command.js'
import { PIECEMEAL_BIN } from '../helpers/everyday.js'
import { tempDir } from '../helpers/files.js'

const exec = promisify(execFile)
const TYPE = join(ROOT, 'test', 'field', 'type.py')
/** Clears the line. */
const NOTHING = '\u0015'

const dir = await tempDir(t)
symlinkSync(PIECEMEAL_BIN, join(dir, 'piecemeal'))
const socket = join(dir, 'n.sock')
const env = { ...process.env, NODE_OPTIONS: '', HOME: dir, PATH: `${dir}:${process.env.PATH ?? ''}`, PIECEMEAL_SOCKET: socket, TERM: 'dumb' }
const node = new ControlServer({
  path: socket,
  version: '1.0.0',
  locked: async (_path, work) => await work(),
  obey: async ([word], tell) => {
    tell(word === 'list' ? { event: 'list', files: [{ filename: 'big one.iso' }, { filename: 'else' }] } : { event: 'status', sharing: [{ file: 'big mine' }] })
    return 0
  },
})
await node.listen()
t.teardown(async () => await node.close())

await onShell('bash', async () => await typeInto(['bash', '--norc', '--noprofile', '-i'], '. <(piecemeal completion bash)'))
await onShell('zsh', async () => await typeInto(['zsh', '-f', '-i'], 'autoload -Uz compinit; compinit -u -D; . =(piecemeal completion zsh)'))
await onShell('fish', async (t) => {
  const { stdout } = await exec('fish', ['--no-config', '-c', 'piecemeal completion fish | source; complete -C "piecemeal sha"; complete -C "piecemeal get bi"; complete -C "piecemeal unshare bi"'], { env })
  t.strictSame(stdout.trim().split('\n'), ['share', 'big one.iso', 'big mine'])
})

async function onShell (shell: string, tries: (t: Test) => Promise<unknown>): Promise<void> {
  const isHere = spawnSync('which', [shell]).status === 0
  if (!isHere) console.error(`# SKIPPED: there is no ${shell} on this machine, so nobody pressed Tab in it (apt-get install ${shell})`)
  await t.test(shell, { skip: isHere ? false : `no ${shell}`, timeout: 90_000 }, async (t) => {
    await t.resolves(tries(t))
  })
}

/** What comes after Tab is what is waited for. */
async function typeInto (command: string[], load: string): Promise<void> {
  const steps = [
    ['', `${load}; PS1=; echo REA''DY\n`],
    ['READY', 'piecemeal sha\t'],
    ['piecemeal share ', `${NOTHING}piecemeal get bi\t`],
    ['get big\\ one.iso', `${NOTHING}piecemeal unshare bi\t`],
    ['unshare big\\ mine', `${NOTHING}exit\n`],
  ]
  await exec('python3', [TYPE, JSON.stringify(steps), ...command], { env })
}
