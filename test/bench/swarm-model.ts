/**
 * A swarm without sockets: every node runs the schedule that real ones run, on a clock that jumps
 * from event to event. What is modelled: up and down rates that streams share, delays, upload slots
 * and `E_BUSY`, the tracker's lists, what owners have or gave away and are asked for, ticks of the engine, nodes that
 * come and go. What is not: disks, processors, lost packets, the exchange of the list of pieces.
 */
import { PieceSet } from '../../lib/content/piece-set.js'
import type { ScheduleFailure } from '../../lib/schedule/failure.js'
import type { ScheduledOwner } from '../../lib/schedule/owner.js'
import type { Machine, Order, PartToStart } from '../../lib/schedule/orders.js'
import { Schedule } from '../../lib/schedule/schedule.js'
import type { SchedulePolicy } from '../../lib/schedule/policy.js'
import { MachineLoad, type ProcessorTimes } from '../../lib/download/machine-load.js'
import { OWNERS_PER_REPLY, PATIENT_UPLOAD_STREAMS, UPLOAD_STREAMS } from '../../lib/protocol/limits.js'
import { SentPieces } from '../../lib/share/sent-lately.js'
import { LinkRate } from '../../lib/share/link-rate.js'
import { SampleMap } from './sample-map.js'
import { EventHeap } from './event-heap.js'
import { Links, remove, type Link, type Stream } from './swarm-links.js'

export interface SwarmNode {
  /** Bytes a millisecond. */
  up: number
  down: number
  /** From here to the middle of the network, one way. */
  delayMs: number
  /** When it begins to download. */
  startMs: number
  /** When it vanishes, if it does. */
  leaveMs?: number | undefined
}

export interface SwarmModel {
  pieceCount: number
  pieceBytes: number
  /** The owner of the whole file. */
  seed: Omit<SwarmNode, 'startMs'>
  nodes: readonly SwarmNode[]
  policy?: Partial<SchedulePolicy>
  random: () => number
  /** After so long it counts as hung. @default 1 day */
  limitMs?: number
}

export interface SwarmResult {
  /** By node: how long it took, `undefined` for one that left or failed. */
  tookMs: Array<number | undefined>
  failures: number
  /** Bytes that the seed sent, in copies of the file. */
  seedCopies: number
  /** What nodes received beyond one copy each, as a share of it. */
  excess: number
  /** Requests that were refused with `E_BUSY`. */
  busy: number
  parts: number
}

/** As the engine's. */
const TICK_MS = 100
const UPLOADS_PER_DOWNLOADER = 8
const BUSY: ScheduleFailure = { code: 'E_BUSY', message: 'no free slot' }
const GONE: ScheduleFailure = { code: 'E_NETWORK', message: 'gone' }
const UNWANTED: ScheduleFailure = { code: 'E_INTERRUPTED', message: 'not needed any more' }

interface Fetch extends Stream {
  readonly from: Peer
  readonly to: Peer
  readonly part: PartToStart
  /** Lowered when others bring the rest. */
  endPiece: number
  state: 'asking' | 'running' | 'refused'
  /** When it is answered, or will have come as things are. */
  dueMs: number
  /** When it began to be sent. */
  startedMs: number
  /** Where the range ends that a complete owner was asked for. */
  sentEnd?: number
}

interface Peer extends Link {
  readonly id: number
  readonly delayMs: number
  readonly startMs: number
  readonly leaveMs: number
  readonly uploads: Fetch[]
  readonly downloads: Fetch[]
  readonly schedule: Schedule | undefined
  readonly machineLoad: MachineLoad
  /** Written anew before each step: an object a step is work for the collector. */
  readonly machine: Machine
  readonly done: PieceSet
  /** Running, asked for or refused. */
  readonly fetches: Fetch[]
  readonly asPartial: ScheduledOwner
  readonly asComplete: ScheduledOwner
  /** What a complete owner gave away lately. */
  readonly sent: SentPieces
  readonly linkRate: LinkRate
  /** By uploads that have ended. */
  sentBytes: number
  isGone: boolean
  listedAs: 'nothing' | 'partial' | 'complete'
  tickMs: number
  /** Owners that were asked what they have, and when the answers are here. */
  readonly asked: Peer[]
  answersMs: number
  doneMs: number | undefined
  isFailed: boolean
}

export class Swarm {
  readonly #model: SwarmModel
  readonly #peers: Peer[]
  readonly #heap: EventHeap
  readonly #links: Links
  readonly #complete: SampleMap<number, Peer>
  readonly #partial: SampleMap<number, Peer>
  #downloading = 0
  #busy = 0
  #parts = 0
  #seedBytes = 0
  #receivedBytes = 0

  constructor (model: SwarmModel) {
    this.#model = model
    this.#complete = new SampleMap(model.random)
    this.#partial = new SampleMap(model.random)
    this.#peers = [{ ...model.seed, startMs: 0 }, ...model.nodes].map((node, id) => this.#makePeer(node, id))
    this.#heap = new EventHeap(this.#peers.length)
    this.#links = new Links((stream) => this.#onFaster(stream as Fetch))
  }

  #makePeer ({ up, down, delayMs, startMs, leaveMs = Infinity }: SwarmNode, id: number): Peer {
    const { pieceCount, pieceBytes, policy, random } = this.#model
    const schedule = id === 0 ? undefined : new Schedule(pieceCount, { pieceBytes, random, ...policy })
    const done = schedule?.done ?? new PieceSet(pieceCount)
    if (id === 0) done.addRange(0, pieceCount)
    const key = String(id)
    return {
      id,
      up,
      down,
      delayMs,
      startMs,
      leaveMs,
      schedule,
      machineLoad: new MachineLoad(idleMachine),
      machine: { slots: Infinity, streams: Infinity, isBusy: false, mayAsk: true },
      done,
      upUsed: 0,
      downUsed: 0,
      uploads: [],
      downloads: [],
      fetches: [],
      asPartial: { key, complete: false },
      asComplete: { key, complete: true },
      sent: new SentPieces(pieceCount),
      linkRate: new LinkRate(),
      sentBytes: 0,
      isGone: false,
      listedAs: 'nothing',
      tickMs: startMs,
      asked: [],
      answersMs: Infinity,
      doneMs: undefined,
      isFailed: false,
    }
  }

  run (): SwarmResult {
    for (const peer of this.#peers) {
      if (peer.schedule) this.#downloading++
      else this.#list(peer, 'complete')
      const firstMs = peer.schedule ? Math.min(peer.startMs, peer.leaveMs) : peer.leaveMs
      if (firstMs < Infinity) this.#heap.set(peer.id, firstMs)
    }
    let nowMs = 0
    while (this.#downloading > 0) {
      const peer = this.#peers[this.#heap.first]
      if (peer === undefined) throw new Error('nothing happens any more')
      nowMs = this.#heap.timeOf(peer.id)
      if (nowMs > (this.#model.limitMs ?? 86_400_000)) throw new Error(`not over after ${nowMs} ms`)
      this.#wake(peer, nowMs)
      this.#heap.set(peer.id, this.#nextMs(peer))
    }
    const { nodes, pieceCount, pieceBytes } = this.#model
    const downloaders = this.#peers.slice(1)
    const fileBytes = pieceCount * pieceBytes
    const kept = downloaders.reduce((pieces, { done }) => pieces + done.size, 0)
    for (const { uploads } of this.#peers) for (const fetch of [...uploads]) this.#account(fetch, 0)
    return {
      tookMs: downloaders.map(({ doneMs, startMs }) => doneMs === undefined ? undefined : doneMs - startMs),
      failures: downloaders.filter(({ isFailed }) => isFailed).length,
      seedCopies: this.#seedBytes / fileBytes,
      excess: nodes.length === 0 ? 0 : this.#receivedBytes / (kept * pieceBytes) - 1,
      busy: this.#busy,
      parts: this.#parts,
    }
  }

  #nextMs ({ isGone, schedule, doneMs, isFailed, tickMs, answersMs, leaveMs, fetches }: Peer): number {
    if (isGone) return Infinity
    if (!schedule || doneMs !== undefined || isFailed) return leaveMs
    let nextMs = Math.min(tickMs, answersMs, leaveMs)
    for (const { dueMs } of fetches) if (dueMs < nextMs) nextMs = dueMs
    return nextMs
  }

  #wake (peer: Peer, nowMs: number): void {
    if (nowMs >= peer.leaveMs) return this.#leave(peer, nowMs)
    const { schedule } = peer
    if (schedule === undefined || peer.doneMs !== undefined || peer.isFailed) return
    let isNews = false
    // From the back, for one that ends is replaced by the last.
    for (let i = peer.fetches.length - 1; i >= 0; i--) {
      const fetch = peer.fetches[i]
      if (fetch !== undefined && fetch.dueMs <= nowMs) isNews = this.#advance(fetch, nowMs) || isNews
    }
    if (nowMs >= peer.answersMs) {
      this.#answer(peer, schedule, nowMs)
      isNews = true
    }
    if (nowMs >= peer.tickMs) {
      this.#tick(peer, schedule, nowMs)
      isNews = true
    }
    if (isNews) this.#carryOut(peer, schedule, nowMs)
  }

  /** What the engine looks at ten times a second. */
  #tick (peer: Peer, schedule: Schedule, nowMs: number): void {
    peer.tickMs = nowMs + TICK_MS
    peer.machine.streams = peer.machineLoad.at(nowMs, schedule.streamsOfUse)
    this.#links.fillDownloads(peer, nowMs)
    for (const fetch of peer.downloads) this.#progress(fetch, nowMs)
  }

  #carryOut (peer: Peer, schedule: Schedule, nowMs: number): void {
    peer.machine.mayAsk = peer.asked.length === 0
    for (const order of schedule.step(nowMs, peer.machine)) this.#obey(order, peer, schedule, nowMs)
    if (peer.asked.length === 0 || peer.answersMs < Infinity) return
    // One answer of all: that of the one that is farthest.
    let farthestMs = 0
    for (const { delayMs } of peer.asked) farthestMs = Math.max(farthestMs, delayMs)
    peer.answersMs = nowMs + 2 * (peer.delayMs + farthestMs)
  }

  #obey (order: Order, peer: Peer, schedule: Schedule, nowMs: number): void {
    switch (order.order) {
      case 'start': return this.#start(peer, order.part, nowMs)
      case 'shorten': return this.#shorten(fetchOf(peer, order.id), order.endPiece)
      case 'cancel': return this.#cancel(fetchOf(peer, order.id), nowMs)
      case 'ask have':
      case 'ask sent':
        peer.asked.push(this.#ownerOf(order.owner))
        return
      case 'ask tracker': return schedule.setOwners(this.#owners(peer), nowMs)
      case 'fail':
        peer.isFailed = true
        this.#downloading--
        return
      case 'done': return this.#finish(peer, nowMs)
    }
  }

  #shorten (fetch: Fetch | undefined, endPiece: number): void {
    if (fetch === undefined) return
    fetch.endPiece = endPiece
    this.#expect(fetch)
  }

  #cancel (fetch: Fetch | undefined, nowMs: number): void {
    if (fetch) this.#end(fetch, nowMs, UNWANTED)
  }

  #answer (peer: Peer, schedule: Schedule, nowMs: number): void {
    for (const owner of peer.asked) {
      const { key } = owner.asPartial
      if (owner.isGone) schedule.askFailed(key, GONE, nowMs)
      else {
        schedule.setHave(key, owner.done, nowMs)
        if (owner.listedAs === 'complete') schedule.setSent(key, owner.sent.at(nowMs), nowMs)
      }
    }
    peer.asked.length = 0
    peer.answersMs = Infinity
  }

  /** The tracker's list: at most 50, complete ones first, never the asker. */
  #owners (asker: Peer): ScheduledOwner[] {
    const complete = this.#complete.sample(OWNERS_PER_REPLY, asker.id).map(({ asComplete }) => asComplete)
    if (complete.length === OWNERS_PER_REPLY) return complete
    return [...complete, ...this.#partial.sample(OWNERS_PER_REPLY - complete.length, asker.id).map(({ asPartial }) => asPartial)]
  }

  #list (peer: Peer, as: Peer['listedAs']): void {
    if (peer.listedAs === as) return
    peer.listedAs = as
    this.#partial.delete(peer.id)
    this.#complete.delete(peer.id)
    if (as === 'partial') this.#partial.set(peer.id, peer)
    if (as === 'complete') this.#complete.set(peer.id, peer)
  }

  #start (to: Peer, part: PartToStart, nowMs: number): void {
    const from = this.#ownerOf(part.owner)
    // To connect, and for the request to arrive, takes three times the way.
    const dueMs = nowMs + 3 * (from.delayMs + to.delayMs)
    to.fetches.push({ from, to, part, endPiece: part.endPiece, state: 'asking', dueMs, startedMs: Infinity, rate: 0, bytes: 0, sinceMs: nowMs })
    this.#parts++
  }

  #ownerOf (key: string): Peer {
    const owner = this.#peers[Number(key)]
    if (owner === undefined) throw new Error('an owner that nobody told of')
    return owner
  }

  /** What the fetch waited for may have happened. @returns whether it ended */
  #advance (fetch: Fetch, nowMs: number): boolean {
    const { from, to, part, state } = fetch
    if (state === 'refused') {
      this.#end(fetch, nowMs, from.isGone ? GONE : BUSY)
      return true
    }
    if (state === 'asking') {
      const isBusy = this.#hasNoSlot(from, to, part, nowMs)
      if (isBusy) this.#busy++
      if (from.isGone || isBusy) {
        fetch.state = 'refused'
        fetch.dueMs = nowMs + from.delayMs + to.delayMs
        return false
      }
      fetch.state = 'running'
      fetch.startedMs = nowMs
      if (from.listedAs === 'complete') {
        fetch.sentEnd = fetch.endPiece
        from.sent.begin(part.firstPiece, fetch.sentEnd)
      }
      this.#links.open(fetch, nowMs)
      this.#expect(fetch)
      return false
    }
    this.#links.settle(fetch, nowMs)
    if (fetch.bytes < (fetch.endPiece - part.firstPiece) * this.#model.pieceBytes - 1) {
      this.#expect(fetch)
      return false
    }
    this.#end(fetch, nowMs)
    return true
  }

  #hasNoSlot ({ uploads, linkRate, sentBytes }: Peer, to: Peer, { isPatient }: PartToStart, nowMs: number): boolean {
    for (const upload of uploads) this.#links.settle(upload, nowMs)
    linkRate.look(() => uploads.reduce((bytes, upload) => bytes + upload.bytes, sentBytes), nowMs)
    const taken = isPatient ? uploads.filter(({ bytes, startedMs }) => !linkRate.isSlow(bytes, nowMs - startedMs)).length : uploads.length
    if (uploads.length >= UPLOAD_STREAMS || (isPatient && taken >= PATIENT_UPLOAD_STREAMS)) return true
    let others = 0
    for (const upload of uploads) if (upload.to === to) others++
    return others >= UPLOADS_PER_DOWNLOADER
  }

  /** When it will have come, as things are. */
  #expect (fetch: Fetch): void {
    if (fetch.state !== 'running') return
    const { part, endPiece, bytes, sinceMs, rate } = fetch
    const left = Math.max(0, (endPiece - part.firstPiece) * this.#model.pieceBytes - bytes)
    fetch.dueMs = rate > 0 ? sinceMs + left / rate : left === 0 ? sinceMs : Infinity
  }

  #onFaster (fetch: Fetch): void {
    this.#expect(fetch)
    if (fetch.dueMs < this.#heap.timeOf(fetch.to.id)) this.#heap.set(fetch.to.id, fetch.dueMs)
  }

  #progress (fetch: Fetch, nowMs: number): void {
    const { to, part } = fetch
    this.#links.settle(fetch, nowMs)
    // Half a byte for what floating point lost.
    to.schedule?.progress(part.id, part.firstPiece + Math.floor((fetch.bytes + 1) / this.#model.pieceBytes), fetch.bytes, nowMs)
    if (to.listedAs === 'nothing' && to.done.size > 0) this.#list(to, 'partial')
  }

  #end (fetch: Fetch, nowMs: number, failure?: ScheduleFailure): void {
    const { to, part } = fetch
    if (!remove(to.fetches, fetch)) return
    if (fetch.state === 'running') {
      this.#links.close(fetch, nowMs)
      this.#progress(fetch, nowMs)
      this.#account(fetch, nowMs)
    }
    to.schedule?.ended(part.id, nowMs, failure)
  }

  #account ({ from, part, bytes, sentEnd }: Fetch, nowMs: number): void {
    if (sentEnd !== undefined) from.sent.end(part.firstPiece, sentEnd, part.firstPiece + Math.floor((bytes + 1) / this.#model.pieceBytes), nowMs)
    this.#receivedBytes += bytes
    from.sentBytes += bytes
    if (from.id === 0) this.#seedBytes += bytes
  }

  #finish (peer: Peer, nowMs: number): void {
    for (const fetch of [...peer.fetches]) this.#end(fetch, nowMs, UNWANTED)
    peer.doneMs = nowMs
    this.#list(peer, 'complete')
    this.#downloading--
  }

  #leave (peer: Peer, nowMs: number): void {
    peer.isGone = true
    if (peer.schedule && peer.doneMs === undefined && !peer.isFailed) this.#downloading--
    this.#list(peer, 'nothing')
    for (const fetch of [...peer.fetches]) this.#end(fetch, nowMs, UNWANTED)
    for (const fetch of [...peer.uploads]) {
      // The connection is reset: whoever it went to hears of it a little later.
      this.#links.close(fetch, nowMs)
      this.#progress(fetch, nowMs)
      this.#account(fetch, nowMs)
      fetch.state = 'refused'
      fetch.dueMs = nowMs + peer.delayMs + fetch.to.delayMs
      if (fetch.dueMs < this.#heap.timeOf(fetch.to.id)) this.#heap.set(fetch.to.id, fetch.dueMs)
    }
  }
}

function fetchOf ({ fetches }: Peer, partId: number): Fetch | undefined {
  return fetches.find(({ part }) => part.id === partId)
}

/** Every node has more processor than network. */
function idleMachine (): ProcessorTimes {
  return { busyMs: 0, idleMs: 0 }
}
