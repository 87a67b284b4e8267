/** Tells systemd that the node is there. Node has no datagrams of Unix sockets, so `systemd-notify` does it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { systemCode } from '../protocol/errors.js'

const TRIES = 5
const HELPER_MS = 10_000

/** Nothing is started where nobody waits for it. @param warn is told once what to do where it can't be said */
export async function notifyReady (warn: (message: string) => void, env = process.env): Promise<void> {
  const { NOTIFY_SOCKET: socket } = env
  if (socket === undefined || socket === '') return
  let why = ''
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      // It waits until systemd has taken it in: a helper that ended before may be nobody's by then.
      const child = spawn('systemd-notify', ['--ready', `--pid=${process.pid}`], { stdio: 'ignore', env, timeout: HELPER_MS })
      const [status] = await once(child, 'exit') as [number | null]
      if (status === 0) return
      why = `it ended with ${status}`
    } catch (error) {
      why = systemCode(error) ?? String(error)
      break
    }
  }
  warn(`systemd can't be told that the node is ready (systemd-notify: ${why}): set Type=exec in a drop-in of the unit (systemctl edit)`)
}
