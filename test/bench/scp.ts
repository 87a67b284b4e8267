/** scp with the same cipher as a node with a secret has, from an sshd of the benchmark's own on the loopback, or from one host of a network to another. */
import { existsSync } from 'node:fs'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Host } from '../helpers/network.js'
import type { Arena } from './arena.js'
import type { Contestant, Measurement } from './contestant.js'
import { accepts, freePorts } from './ports.js'
import { findProgram, hintUnlessFound, runToEnd } from './processes.js'

const READY_MS = 50
const TRIES = 100
const CIPHER = 'aes128-gcm@openssh.com'
/** sshd wants it where root starts it. */
const ROOTS_FOLDER = '/run/sshd'

export interface ScpOptions {
  hosts?: { server: Host, client: Host }
  /** Whether the source is a folder. */
  isFolder?: boolean
}

export class Scp implements Contestant {
  readonly name: string
  readonly targets: readonly string[]
  readonly #target: string
  readonly #arena: Pick<Arena, 'stage' | 'source'>
  readonly #hosts: ScpOptions['hosts']
  readonly #isFolder: boolean
  readonly #folder: string
  #port = 0

  constructor (arena: Pick<Arena, 'stage' | 'source'>, { hosts, isFolder = false }: ScpOptions = {}) {
    this.#arena = arena
    this.#hosts = hosts
    this.#isFolder = isFolder
    this.name = `scp${isFolder ? ' -r' : ''}, AES-128-GCM`
    this.#folder = join(arena.stage.folder, `ssh-${hosts?.server.name ?? 'loopback'}`)
    this.#target = join(this.#folder, 'target')
    this.targets = [this.#target]
  }

  available (): string | undefined {
    if (process.getuid?.() === 0 && !existsSync(ROOTS_FOLDER)) return `apt-get install openssh-server && mkdir -p ${ROOTS_FOLDER}`
    return hintUnlessFound(['sshd', 'scp', 'ssh-keygen'], 'apt-get install openssh-server')
  }

  async start (): Promise<void> {
    const { stage } = this.#arena
    await mkdir(this.#folder, { mode: 0o700 })
    for (const key of ['host', 'user']) await runToEnd(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', this.#path(key)], stage.signal)
    await copyFile(this.#path('user.pub'), this.#path('authorized_keys'))
    this.#port = (await freePorts(1))[0] ?? 0
    await writeFile(this.#path('sshd_config'), this.#configuration())
    const argv = [findProgram('sshd') ?? 'sshd', '-D', '-e', '-f', this.#path('sshd_config')] as const
    const sshd = stage.start(this.#hosts?.server.argv(argv) ?? argv)
    for (let i = 0; i < TRIES; i++) {
      if (sshd.hasExited) throw new Error('sshd did not start')
      if (this.#hosts?.server.isListening(this.#port) ?? await accepts(this.#port)) return
      await sleep(READY_MS, undefined, { signal: stage.signal })
    }
    throw new Error('sshd does not listen')
  }

  async run (): Promise<Measurement> {
    const { source, stage } = this.#arena
    const argv = [
      'scp', '-q', ...(this.#isFolder ? ['-r'] : []), '-F', 'none', '-P', String(this.#port), '-i', this.#path('user'), '-c', CIPHER,
      '-o', 'BatchMode=yes', '-o', 'IdentitiesOnly=yes', '-o', 'StrictHostKeyChecking=no', '-o', `UserKnownHostsFile=${this.#path('known_hosts')}`,
      `${userInfo().username}@${this.#address}:${source}`, this.#target,
    ] as const
    return await runToEnd(this.#hosts?.client.argv(argv) ?? argv, stage.signal)
  }

  get #address (): string {
    return this.#hosts?.server.address ?? '127.0.0.1'
  }

  #configuration (): string {
    return `
      ListenAddress ${this.#address}
      Port ${this.#port}
      HostKey ${this.#path('host')}
      AuthorizedKeysFile ${this.#path('authorized_keys')}
      PidFile none
      StrictModes no
      PasswordAuthentication no
      PermitRootLogin prohibit-password
      Ciphers ${CIPHER}
      Subsystem sftp internal-sftp
      LogLevel ERROR
    `.replace(/^ +/gm, '')
  }

  #path (name: string): string {
    return join(this.#folder, name)
  }
}
