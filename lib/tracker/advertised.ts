/**
 * A node behind a forward or in a container may say that others reach it elsewhere than where it comes
 * from. To prove it the tracker says something to both ports of that place. The node is believed once
 * it says both back on its own connection.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { dial } from '../net/dial.js'
import { addressesOf } from '../net/hosts.js'
import { LineClient } from '../net/line-client.js'
import { isLoopback, isNobodys, parseAdvertised, plainAddress } from '../protocol/address.js'
import { fileCommunication } from '../protocol/file-communication.js'
import { ADVERTISED_PER_MINUTE, PROBE_BYTES, PROOF_MS, REACH_TRY_MS } from '../protocol/limits.js'
import { encodeLine } from '../protocol/line.js'
import { sizeQuestion } from '../protocol/size-information.js'
import type { ClientCredentials, Purpose } from '../secret/keys.js'
import { isSamePlace, type Place, type Tries } from './reachability.js'

/** What the node has announced last: a question that its ports understand. */
export interface Announced {
  inputPort: number
  outputPort: number
  filename: string
  digest: string
}

export interface AdvertisedOptions {
  /** Where the node comes from. */
  host: string
  /** Whether that is this machine; nobody else has anything to say of its loopback. */
  isLocal: boolean
  tries: Pick<Tries, 'run'>
  /** Whether the node needs no proof, because it is one process with the tracker. */
  isBelieved?: (() => boolean) | undefined
  credentials?: Record<Purpose, ClientCredentials> | undefined
  onProven: (place: Place) => void
  now?: () => number
  /** @default 10000 */
  proofMs?: number
}

const MINUTE_MS = 60_000

export class Advertised {
  readonly #options: AdvertisedOptions
  readonly #now: () => number
  #text: string | undefined
  #proven: { text: string, place: Place } | undefined
  #isUnderWay = false
  /** What is still to be heard, and who waits for that. */
  readonly #probes = new Set<string>()
  #onHeard: () => void = () => {}
  #begunMs: number[] = []

  constructor (options: AdvertisedOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /** Whether it is about to be known. */
  get isUnderWay (): boolean {
    return this.#isUnderWay
  }

  /** Where a node that announces these ports is to be listed, if that is proven. */
  placeOf ({ inputPort, outputPort }: Pick<Announced, 'inputPort' | 'outputPort'>): Place | undefined {
    if (this.#proven === undefined || this.#proven.text !== this.#text) return undefined
    const { inputPort: otherInput = inputPort, outputPort: otherOutput = outputPort } = parseAdvertised(this.#proven.text) ?? {}
    const place = { host: this.#proven.place.host, inputPort: otherInput, outputPort: otherOutput }
    return isSamePlace(place, this.#proven.place) ? place : undefined
  }

  /** The node's word: `HOST` or `HOST:INPUT:OUTPUT`. */
  offer (text: string): void {
    this.#text = text
  }

  /** The node says that it was told this. */
  hear (probe: string): void {
    if (this.#probes.delete(probe) && this.#probes.size === 0) this.#onHeard()
  }

  /** Asks for the proof in the background, one at a time and not too often, if there is anything to prove. */
  consider (announced: Announced): void {
    const text = this.#text
    const nowMs = this.#now()
    this.#begunMs = this.#begunMs.filter((ms) => nowMs - ms < MINUTE_MS)
    if (text === undefined || this.#isUnderWay || this.placeOf(announced) || this.#begunMs.length >= ADVERTISED_PER_MINUTE) return
    const advertised = parseAdvertised(text)
    if (advertised === undefined) return
    const { host, inputPort = announced.inputPort, outputPort = announced.outputPort } = advertised
    const seen = { host: this.#options.host, inputPort: announced.inputPort, outputPort: announced.outputPort }
    if (isSamePlace({ host, inputPort, outputPort }, seen)) return
    this.#begunMs.push(nowMs)
    this.#isUnderWay = true
    this.#prove({ host, inputPort, outputPort }, announced).then((place) => {
      this.#proven = { text, place }
      this.#isUnderWay = false
      this.#options.onProven(place)
    }, () => {
      // Not there, or not allowed: no reason is told, so that nobody can look around with our eyes.
      this.#isUnderWay = false
    })
  }

  async #prove (place: Place, { filename, digest }: Announced): Promise<Place> {
    const { tries, credentials, proofMs = PROOF_MS } = this.#options
    const host = await this.#resolve(place.host)
    if (this.#options.isBelieved?.()) return { ...place, host }
    const [atInput, atOutput] = [randomBytes(PROBE_BYTES), randomBytes(PROBE_BYTES)].map((bytes) => bytes.toString('hex')) as [string, string]
    const late = new AbortController()
    this.#probes.clear()
    const heard = new Promise<void>((resolve) => { this.#onHeard = resolve })
    for (const probe of [atInput, atOutput]) this.#probes.add(probe)
    try {
      await Promise.race([
        Promise.all([
          heard,
          tries.run(async (signal) => {
            const client = await LineClient.connect({ host, port: place.inputPort, credentials: credentials?.control, signal, connectMs: REACH_TRY_MS, messageMs: REACH_TRY_MS })
            await client.request({ ...sizeQuestion(filename, digest), pieces: false, probe: atInput }).finally(() => client.close())
          }),
          tries.run(async (signal) => {
            const socket = await dial({ host, port: place.outputPort, credentials: credentials?.data, signal, connectMs: REACH_TRY_MS })
            socket.on('error', () => {})
            socket.write(encodeLine(fileCommunication({ filename, digest, range: { start: 0, end: 0 }, probe: atOutput })))
            await once(socket, 'data', { signal: AbortSignal.timeout(REACH_TRY_MS) }).finally(() => socket.destroy())
          }),
        ]),
        sleep(proofMs, undefined, { signal: late.signal }).then(() => { throw new Error('no proof in time') }),
      ])
      return { ...place, host }
    } finally {
      late.abort()
      this.#probes.clear()
    }
  }

  /** An address that may be listed. */
  async #resolve (name: string): Promise<string> {
    const host = (await addressesOf(name)).map(plainAddress).find((address) => !isNobodys(address) && (this.#options.isLocal || !isLoopback(address)))
    if (host === undefined) throw new Error('no address that others could use')
    return host
  }
}
