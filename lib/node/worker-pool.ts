/** The node's worker threads; the only file that knows Piscina. */
import { once } from 'node:events'
import { Piscina } from 'piscina'
import pLimit from 'p-limit'
import type { Abilities } from '../disk/abilities.js'
import type { NameTask } from '../disk/give-name.js'
import type { DigestTask } from '../disk/digest-pieces.js'
import type { PieceList } from '../content/digest.js'
import { fromTaskResult, type TaskResult } from '../threads/task-result.js'
import { Slots } from '../download/slots.js'
import { PartControl } from '../threads/part-control.js'
import { BARE_THREAD } from '../threads/start-thread.js'
import { sharesThread, type PartTask, type WholeFile } from '../part/part-task.js'
import type { TreeThreads } from '../tree/digest-tree.js'
import type { ManifestContent } from '../tree/find-tree.js'
import type { KeptTask } from '../tree/find-kept.js'
import type { Finished, FinishTask } from '../tree/finish-tree.js'
import type { MakeThreads } from '../tree/make-tree.js'
import type { MeasureTask, TreeSize } from '../tree/measure-tree.js'
import type { PublishThreads } from '../tree/publish-tree.js'
import type { RememberedTree } from '../tree/remembered-tree.js'
import type { Removed, RemoveTask } from '../tree/remove-tree.js'
import type { HereTask } from '../tree/take-from-here.js'
import type { TakenOver, TakeOverTask, WrittenTask } from '../tree/take-over.js'
import type { UnpackTask } from '../tree/unpack.js'
import { outOfDescriptors, PiecemealError } from '../protocol/errors.js'
import { MAX_FETCH_THREADS } from '../protocol/limits.js'
import { CORES, threadRoom } from './thread-room.js'

const TASKS = new URL('../../workers/pool-tasks.js', import.meta.url).href
const IDLE_THREAD_MS = 10_000
/** Within what a node has to leave; it takes a tenth of a second where the machine has time. */
const LOAD_MS = 4_000
/** How many small parts share one thread, at most. */
const PARTS_PER_THREAD = 4

/** What the module exports. */
type TaskName = 'fetchPart' | 'digestPieces' | 'giveName' | 'findAbilities' | keyof TreePool

/** What is done about folders, each as its function in `lib/tree` says. */
export interface TreePool extends TreeThreads, PublishThreads, MakeThreads {
  unpack: (task: UnpackTask) => Promise<void>
  findKept: (task: KeptTask) => Promise<Uint32Array>
  takeFromHere: (task: HereTask) => Promise<Uint32Array>
  finishTree: (task: FinishTask) => Promise<Finished>
  measureTree: (task: MeasureTask) => Promise<TreeSize>
  takeOver: (task: TakeOverTask) => Promise<TakenOver>
  writtenSince: (task: WrittenTask) => Promise<Uint32Array>
  rememberedTree: (path: string) => Promise<RememberedTree | undefined>
  removeTree: (task: RemoveTask) => Promise<Removed>
}

export class WorkerPool {
  /** Parts that are fetched at once: so many threads may be there for them, so none waits in a queue. */
  readonly slots: Slots
  /** @throws what the worker throws; E_WORKER if its thread died. */
  readonly trees: TreePool = {
    findTree: async (task) => await this.#run(task, 'findTree'),
    digestFiles: async (task) => await this.#limitDigests(async () => await this.#runAlone(task, 'digestFiles')),
    keepTree: async (task) => {
      const content = await this.#run<ManifestContent>(task, 'keepTree')
      return { ...content, pieces: Buffer.from(content.pieces) }
    },
    makeSkeleton: async (task) => await this.#runAlone(task, 'makeSkeleton'),
    namesAreRight: async (task) => await this.#runAlone(task, 'namesAreRight'),
    unpack: async (task) => await this.#run(task, 'unpack'),
    findKept: async (task) => await this.#limitDigests(async () => await this.#runAlone(task, 'findKept')),
    takeFromHere: async (task) => await this.#limitDigests(async () => await this.#runAlone(task, 'takeFromHere')),
    finishTree: async (task) => await this.#runAlone(task, 'finishTree'),
    measureTree: async (task) => await this.#run(task, 'measureTree'),
    takeOver: async (task) => await this.#run(task, 'takeOver'),
    writtenSince: async (task) => await this.#run(task, 'writtenSince'),
    rememberedTree: async (path) => await this.#run(path, 'rememberedTree'),
    removeTree: async (task) => await this.#run(task, 'removeTree'),
    syncFiles: async (task) => await this.#run(task, 'syncFiles'),
    nameFolder: async (task) => await this.#run(task, 'nameFolder'),
  }

  readonly #limitDigests = pLimit(CORES)
  /** Of tasks that share threads: while there are few threads Piscina would start one for each task that they can't take. */
  readonly #limitShared = pLimit(1)
  /** Threads that take tasks. */
  #ready = 0
  readonly #piscina: Piscina
  /** Ids of the threads that have loaded their code. */
  readonly #loaded = new Set<unknown>()
  readonly #loadMs: number
  #isClosed = false

  /** With as many threads as there can be. @throws E_LIMIT if there can be none. */
  static async open (fetchThreads: number): Promise<WorkerPool> {
    const pool = new WorkerPool(fetchThreads, await threadRoom(mostThreads(fetchThreads)))
    // Piscina gives tasks to the first one before that, and what ends a task may end its thread.
    await pool.#loadedAll()
    return pool
  }

  /**
   * Starts one thread; the others come with what they have to do, and go again. Each costs a tenth of a
   * second of processor time to start, and most of what a node does is little.
   *
   * @param fetchThreads those that may fetch at once; fewer than usual mean that there are hardly descriptors for them
   * @param room how many threads there may be
   * @param loadMs how long threads that start may take, when they are to end, to have loaded their code
   */
  constructor (fetchThreads = MAX_FETCH_THREADS, room = mostThreads(fetchThreads), loadMs = LOAD_MS) {
    this.#loadMs = loadMs
    this.slots = new Slots(Math.min(fetchThreads, room))
    this.#piscina = new Piscina({
      filename: TASKS,
      name: 'fetchPart' satisfies TaskName,
      minThreads: 1,
      maxThreads: room,
      idleTimeout: IDLE_THREAD_MS,
      concurrentTasksPerWorker: PARTS_PER_THREAD,
      // Between tasks a thread still has connections that it keeps for the next one: their ends and their time are to be heard.
      atomics: 'disabled',
      // Nobody reads how long tasks took.
      recordTiming: false,
      ...BARE_THREAD,
      // A thread holds one buffer outside of its heap, and little in it.
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 },
    })
    // A thread that dies fails its task; the pool starts another.
    this.#piscina.on('error', () => {})
    this.#piscina.on('message', (threadId) => this.#loaded.add(threadId))
    this.#piscina.on('workerCreate', () => this.#admit(1))
    this.#piscina.on('workerDestroy', () => this.#admit(-1))
  }

  /** @throws what the worker throws; E_WORKER once its thread has died, or was ended by the signal. */
  async fetchPart (task: PartTask, signal: AbortSignal): Promise<WholeFile | undefined> {
    const isShared = sharesThread(task)
    const ending = new AbortController()
    let isOver = false
    let ended: Promise<void> | undefined
    const end = async (): Promise<void> => {
      // What ends a task may end its thread, and one that was just started may be among them.
      await this.#loadedAll()
      if (isOver) return
      const { threadId: id } = new PartControl(task.control)
      const thread = this.#piscina.threads.find(({ threadId }) => threadId === id)
      ended = thread && new Promise((resolve) => { thread.once('exit', resolve) })
      // With all that it has in hand.
      if (isShared) void thread?.terminate()
      else ending.abort()
    }
    const onAbort = (): void => { void end() }
    if (signal.aborted) ending.abort()
    signal.addEventListener('abort', onAbort, { once: true })
    const file = await this.#run<WholeFile | undefined>(task, 'fetchPart', isShared ? undefined : ending.signal).finally(async () => {
      isOver = true
      signal.removeEventListener('abort', onAbort)
      // It may be writing until then.
      await ended
    })
    // What crosses threads arrives as a plain Uint8Array.
    return file && { ...file, pieces: Buffer.from(file.pieces) }
  }

  /** @throws E_CHANGED, E_IO; E_WORKER if its thread died. */
  async digestPieces (task: DigestTask): Promise<PieceList> {
    return Buffer.from(await this.#limitDigests(async () => await this.#runAlone<Uint8Array>(task, 'digestPieces')))
  }

  /** @throws E_WORKER if its thread died. */
  async findAbilities (hiddenFolder: string): Promise<Abilities> {
    return await this.#run(hiddenFolder, 'findAbilities')
  }

  /** @throws E_EXISTS, E_DISK_FULL, E_IO; E_WORKER if its thread died. */
  async giveName (task: NameTask): Promise<void> {
    await this.#run(task, 'giveName')
  }

  /** Ends all threads. Safe to call twice. */
  async close (): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#loadedAll()
    await this.#piscina.destroy()
  }

  /** A thread that is ended while it loads its code takes the whole process with it: Node asks V8 for a module that there is not. */
  async #loadedAll (): Promise<void> {
    const signal = AbortSignal.timeout(this.#loadMs)
    const loading = this.#piscina.threads.filter(({ threadId }) => !this.#loaded.has(threadId))
    await Promise.allSettled(loading.map(async (thread) => await Promise.race([once(thread, 'message', { signal }), once(thread, 'exit', { signal })])))
  }

  /** One task more than the threads can take starts another one; the rest wait for that. Once there are as many as cores none has to wait. */
  #admit (more: number): void {
    // Of a thread that is ended before it takes tasks only its end is told.
    this.#ready = Math.max(0, this.#ready + more)
    this.#limitShared.concurrency = this.#ready < CORES ? this.#ready * PARTS_PER_THREAD + 1 : Infinity
  }

  /** What computes has a thread for itself. */
  async #runAlone<T> (task: unknown, name: TaskName): Promise<T> {
    return await this.#run(task, name, new AbortController().signal)
  }

  /** With a signal, which ends the thread, it has a thread for itself. */
  async #run<T> (task: unknown, name: TaskName, signal?: AbortSignal): Promise<T> {
    let result: TaskResult<T>
    try {
      const run = async (): Promise<TaskResult<T>> => await this.#piscina.run(task, { name, ...(signal && { signal }) }) as TaskResult<T>
      result = signal ? await run() : await this.#limitShared(run)
    } catch (cause) {
      throw outOfDescriptors(cause, 'cannot start a thread') ?? new PiecemealError('E_WORKER', `a worker thread died: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
    return fromTaskResult(result)
  }
}

/** For parts, and for digests beside them where there are descriptors. */
function mostThreads (fetchThreads: number): number {
  return fetchThreads < MAX_FETCH_THREADS ? fetchThreads : Math.max(MAX_FETCH_THREADS, CORES) + CORES
}
