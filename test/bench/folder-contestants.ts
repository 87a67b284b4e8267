/** Those who move a folder, and `ThenSync`, which makes them wait for the disk as a download does. */
import { spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from '../demo/command.js'
import type { Arena } from './arena.js'
import type { Contestant, Measurement } from './contestant.js'
import { accepts, freePorts } from './ports.js'
import { hintUnlessFound, runToEnd } from './processes.js'

const READY_MS = 50
const TRIES = 100

/** What is moved: a folder. */
export type FolderArena = Pick<Arena, 'stage' | 'source'>

/** Whoever it is, and then a sync of the file system that its target is on, in its time. */
export class ThenSync implements Contestant {
  readonly name: string
  readonly targets: readonly string[]
  readonly #contestant: Contestant
  readonly #signal: AbortSignal

  constructor ({ stage }: FolderArena, contestant: Contestant) {
    this.name = `${contestant.name}, then sync`
    this.targets = contestant.targets
    this.#contestant = contestant
    this.#signal = stage.signal
  }

  available (): string | undefined {
    return this.#contestant.available()
  }

  async layOut (): Promise<void> {
    await this.#contestant.layOut?.()
  }

  async start (): Promise<void> {
    await this.#contestant.start?.()
  }

  async prepare (): Promise<void> {
    await this.#contestant.prepare?.()
  }

  async run (): Promise<Measurement> {
    const measurement = await this.#contestant.run()
    const sync = await runToEnd(['sync', '-f', this.targets[0] ?? '/'], this.#signal)
    return { ...measurement, seconds: measurement.seconds + sync.seconds }
  }

  async tidy (): Promise<void> {
    await this.#contestant.tidy?.()
  }
}

/** `rsync -a` from a daemon on the loopback: nothing is encrypted, and what came is checked by its MD5. */
export class Rsync implements Contestant {
  readonly name = 'rsync -a, daemon'
  readonly targets: readonly [string]
  readonly #arena: FolderArena
  readonly #folder: string
  #port = 0

  constructor (arena: FolderArena) {
    this.#arena = arena
    this.#folder = join(arena.stage.folder, 'rsync')
    this.targets = [join(this.#folder, 'target')]
  }

  available (): string | undefined {
    return hintUnlessFound(['rsync'], 'apt-get install rsync')
  }

  async start (): Promise<void> {
    const { stage, source } = this.#arena
    const configuration = join(this.#folder, 'rsyncd.conf')
    await mkdir(this.#folder)
    // Started by root, it would read as nobody.
    const user = process.getuid?.() === 0 ? 'uid = root\ngid = root\n' : ''
    await writeFile(configuration, `${user}use chroot = no\n[source]\npath = ${source}\n`)
    this.#port = (await freePorts(1))[0] ?? 0
    // Where its standard input is a socket, which Node's pipes are, it takes that for the connection it is to serve.
    const daemon = stage.start(['sh', '-c', 'exec rsync --daemon --no-detach --address=127.0.0.1 --port="$0" --config="$1" < /dev/null', String(this.#port), configuration])
    for (let i = 0; i < TRIES && !daemon.hasExited; i++) {
      if (await accepts(this.#port)) return
      await sleep(READY_MS, undefined, { signal: stage.signal })
    }
    throw new Error('rsync --daemon does not serve')
  }

  async run (): Promise<Measurement> {
    const [target] = this.targets
    return await runToEnd(['rsync', '-a', `rsync://127.0.0.1:${this.#port}/source/`, `${target}/`], this.#arena.stage.signal)
  }
}

/** `tar` through `nc`: as little as can be done; nothing is checked. */
export class TarThroughNetcat implements Contestant {
  readonly name = 'tar through nc'
  readonly targets: readonly [string]
  readonly #arena: FolderArena
  #port = 0
  #sender: Command | undefined

  constructor (arena: FolderArena) {
    this.#arena = arena
    this.targets = [join(arena.stage.folder, 'tar-target')]
  }

  available (): string | undefined {
    return hintUnlessFound(['tar', 'nc', 'ss'], 'apt-get install tar netcat-openbsd iproute2')
  }

  /** It serves once: a look whether it listens must not be a connection. */
  async prepare (): Promise<void> {
    const { stage, source } = this.#arena
    this.#port = (await freePorts(1))[0] ?? 0
    this.#sender = stage.start(['sh', '-c', 'tar -C "$0" -c . | nc -N -l 127.0.0.1 "$1"', source, String(this.#port)])
    for (let i = 0; i < TRIES && !this.#sender.hasExited; i++) {
      if (spawnSync('ss', ['-Hltn', `sport = :${this.#port}`]).stdout.length > 0) return
      await sleep(READY_MS, undefined, { signal: stage.signal })
    }
    throw new Error('nc does not listen')
  }

  async run (): Promise<Measurement> {
    const [target] = this.targets
    return await runToEnd(['sh', '-c', 'mkdir "$0" && nc -d 127.0.0.1 "$1" | tar -C "$0" -x', target, String(this.#port)], this.#arena.stage.signal)
  }

  async tidy (): Promise<void> {
    await this.#sender?.ended()
  }
}
