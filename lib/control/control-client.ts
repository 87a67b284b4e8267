/** The other end: asks a node that runs in the background. */
import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { LineGuard, splitLines, type Line } from '../protocol/framing.js'
import { CONTROL_ANSWER_BYTES, DEADLINES } from '../protocol/limits.js'
import { encodeLine } from '../protocol/line.js'
import { quote } from '../protocol/names.js'
import { CONTROL, parseEvent, parseHello, type ControlEvent, type Hello } from './messages.js'

export class ControlClient {
  readonly #socket: Socket
  readonly #lines: AsyncIterator<Line>
  /** The node's. */
  readonly hello: Hello
  #nextId = 1

  /** Undefined if nobody answers there. @throws E_PROTOCOL, E_TIMEOUT, E_IO. */
  static async connect (path: string, version: string): Promise<ControlClient | undefined> {
    const socket = connect(path)
    socket.on('error', () => {})
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(DEADLINES.connectMs) })
    } catch (cause) {
      socket.destroy()
      if (['ENOENT', 'ECONNREFUSED'].includes(systemCode(cause) ?? '')) return undefined
      throw new PiecemealError('E_IO', `cannot ask the node at ${quote(path)}: ${systemCode(cause) ?? String(cause)}`, { cause })
    }
    socket.write(encodeLine({ piecemeal: version, control: CONTROL }))
    const lines = socket.pipe(new LineGuard(CONTROL_ANSWER_BYTES)).pipe(splitLines())[Symbol.asyncIterator]() as AsyncIterator<Line>
    const late = setTimeout(() => socket.destroy(), DEADLINES.messageMs)
    try {
      return new ControlClient(socket, lines, parseHello(await next(lines)))
    } catch (error) {
      socket.destroy()
      throw error
    } finally {
      clearTimeout(late)
    }
  }

  private constructor (socket: Socket, lines: AsyncIterator<Line>, hello: Hello) {
    this.#socket = socket
    this.#lines = lines
    this.hello = hello
  }

  /** @returns the exit status @throws E_NETWORK if the node ends before it is done. */
  async ask (command: readonly string[], onEvent: (event: ControlEvent) => void): Promise<number> {
    const id = this.#nextId++
    this.#socket.write(encodeLine({ id, command }))
    for (;;) {
      const event = parseEvent(await next(this.#lines))
      if (event.id !== id) continue
      if (event.event === 'done') return typeof event.status === 'number' ? event.status : 1
      onEvent(event)
    }
  }

  /** Until the node has ended. */
  async ended (): Promise<void> {
    for (let line = await this.#lines.next(); line.done !== true; line = await this.#lines.next());
  }

  close (): void {
    this.#socket.destroy()
  }
}

async function next (lines: AsyncIterator<Line>): Promise<Record<string, unknown>> {
  const line = await lines.next()
  if (line.done === true) throw new PiecemealError('E_NETWORK', 'the node ended before it had answered')
  if (line.value.fault) throw line.value.fault
  return line.value.value
}
