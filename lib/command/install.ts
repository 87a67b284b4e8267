/** A unit of systemd for this user's node. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstat, mkdir, readFile, writeFile } from 'node:fs/promises'
import { homedir, userInfo } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { PiecemealError } from '../protocol/errors.js'
import { printable, quote } from '../protocol/names.js'
import type { Output } from '../ui/reporter.js'
import type { Settings } from './settings.js'

const UNIT = 'piecemeal.service'
const PASSED_ON = ['name', 'folder', 'tracker', 'secret-file', 'old-secret-file', 'host', 'advertise', 'ports', 'up', 'down', 'give-up', 'socket'] as const
/** Where a later version of Node or of the package takes the place of this one, and the path is gone. */
const OF_A_VERSION = /[/\\](?:\.nvm|\.fnm|\.volta|\.asdf|\.n|nvm|fnm_multishells|mise)[/\\]/
const OF_A_CACHE = /[/\\]_npx[/\\]/

/** @param bin of this command, absolute */
export async function installUnit (settings: Settings, output: Output, bin: string): Promise<number> {
  if (OF_A_CACHE.test(bin)) throw new PiecemealError('E_USAGE', `${quote(bin)} is in npx's cache, which goes away: npm i -g piecemeal first`)
  if (OF_A_VERSION.test(process.execPath)) output.err(`warning: ${printable(process.execPath)} belongs to a version manager: the unit fails once that version is removed`)
  const { XDG_CONFIG_HOME: config = '' } = process.env
  const folder = join(isAbsolute(config) ? config : join(homedir(), '.config'), 'systemd', 'user')
  const path = join(folder, UNIT)
  const words = [process.execPath, bin, 'up', '--foreground', ...PASSED_ON.flatMap((name) => settings.texts(name).flatMap((value) => [`--${name}`, value])), ...(settings.is('insecure') ? ['--insecure'] : [])]
  await mkdir(folder, { recursive: true })
  await writeFile(path, unit(words))
  output.out(`wrote ${printable(path)}`)
  await sayIfNotLingering(output)
  for (const args of [['daemon-reload'], ['enable', '--now', UNIT]]) {
    const status = await systemctl(args)
    if (status === 0) continue
    output.err(`warning: systemctl --user ${args.join(' ')} failed; once systemd runs for this user: systemctl --user enable --now ${UNIT}`)
    return 1
  }
  return 0
}

/** Units of a user, and what he leaves behind, end with his last session, unless he lingers. */
export async function sayIfNotLingering ({ err }: Output): Promise<void> {
  const { username } = userInfo()
  const runsSystemd = await lstat('/run/systemd/system').then(() => true, () => false)
  const lingers = await lstat(join('/var/lib/systemd/linger', username)).then(() => true, () => false)
  if (!runsSystemd || lingers || process.getuid?.() === 0) return
  if (await killsLeftovers()) err(`it ends when you log out: loginctl enable-linger ${username} lets it live on`)
}

async function killsLeftovers (): Promise<boolean> {
  const text = await readFile('/etc/systemd/logind.conf', 'utf8').catch(() => '')
  return !/^\s*KillUserProcesses\s*=\s*no/m.test(text)
}

function unit (words: readonly string[]): string {
  return `[Unit]
Description=piecemeal node
After=network-online.target

[Service]
Type=notify
NotifyAccess=all
ExecStart=${words.map(escapeWord).join(' ')}
Restart=on-failure
RestartForceExitStatus=75
TimeoutStopSec=15

[Install]
WantedBy=default.target
`
}

/** As systemd reads words: it has specifiers and variables of its own. */
function escapeWord (word: string): string {
  return `"${word.replace(/["\\]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`
}

async function systemctl (args: readonly string[]): Promise<number> {
  const child = spawn('systemctl', ['--user', ...args], { stdio: 'ignore' })
  return await once(child, 'exit').then(([status]) => Number(status ?? 1), () => 1)
}
