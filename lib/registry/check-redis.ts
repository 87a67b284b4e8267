/** Whether a Redis will do: asked once, before anything depends on it. */
import { PiecemealError } from '../protocol/errors.js'
import type { RedisClient } from './redis-client.js'

/** `HRANDFIELD`, and scripts that may ask for the time before they write. */
const LEAST_VERSION = 7
const START_MS = 5_000

type Client = Pick<RedisClient, 'connect' | 'callEach' | 'call'>

/** @throws E_REGISTRY with the address, which has no password */
export async function checkRedis (client: Client, where: string, onWarning: (message: string) => void): Promise<void> {
  const refuse = (why: string, cause?: unknown): PiecemealError => new PiecemealError('E_REGISTRY', `the registry at ${where} can't be used: ${why}`, { cause })
  let timer: NodeJS.Timeout | undefined
  try {
    const late = new Promise<never>((_resolve, reject) => { timer = setTimeout(() => reject(new Error('no answer')), START_MS) })
    for (const text of await Promise.race([late, ask(client)])) {
      const version = /redis_version:(\S+)/.exec(text)?.[1] ?? 'unknown'
      if (parseInt(version) < LEAST_VERSION) throw refuse(`it is Redis ${version}, and 7.0 or later is wanted`)
      if (/cluster_state:fail/.test(text)) throw refuse('its cluster is down')
      const policy = /maxmemory_policy:(\S+)/.exec(text)?.[1]
      if (policy !== undefined && policy !== 'noeviction') onWarning(`the registry at ${where} has maxmemory-policy ${policy}: owners will be lost when its memory is full; set noeviction`)
    }
  } catch (error) {
    if (error instanceof PiecemealError) throw error
    throw refuse(error instanceof Error ? error.message : String(error), error)
  } finally {
    clearTimeout(timer)
  }
}

async function ask (client: Client): Promise<string[]> {
  await client.connect()
  const texts = (await client.callEach('INFO')).map(String)
  if (!texts.some((text) => text.includes('redis_mode:cluster'))) return texts
  return [...texts, ...(await client.callEach('CLUSTER', 'INFO')).map(String)]
}
