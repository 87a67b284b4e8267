/** A registry in Redis, from what a command is given. Nothing imports this file but where there is one: without it the client is not loaded. */
import { readFile } from 'node:fs/promises'
import { PiecemealError } from '../protocol/errors.js'
import { printable } from '../protocol/names.js'
import { checkRedis } from './check-redis.js'
import { RedisClient } from './redis-client.js'
import { RedisRegistry, type RedisRegistryOptions } from './redis-registry.js'
import { assertRegistryNotExposed, type RegistryAddress } from './registry-address.js'

export interface OpenRegistryOptions extends Pick<RedisRegistryOptions, 'prefix' | 'version'> {
  address: RegistryAddress
  passwordFile?: string | undefined
  /** Without a password or TLS beyond this machine, on purpose. */
  insecure: boolean
  /** Something that people should know. */
  onWarning: (message: string) => void
}

/** @throws E_AUTH where others could write in it; E_REGISTRY, with its address, if it can't be used */
export async function openRegistry (options: OpenRegistryOptions): Promise<RedisRegistry> {
  const { client, where } = await connectRegistry(options)
  return new RedisRegistry({ client, where, prefix: options.prefix, version: options.version })
}

/** @throws as `openRegistry` */
export async function connectRegistry ({ address, passwordFile, insecure, onWarning }: Omit<OpenRegistryOptions, 'prefix' | 'version'>): Promise<{ client: RedisClient, where: string }> {
  const whole = passwordFile === undefined ? address : { ...address, password: await readPassword(passwordFile) }
  assertRegistryNotExposed(whole, insecure)
  const client = new RedisClient(whole)
  await checkRedis(client, address.text, onWarning).catch((error: unknown) => {
    client.close()
    throw error
  })
  return { client, where: address.text }
}

async function readPassword (path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).replace(/\r?\n$/, '')
  } catch (error) {
    throw new PiecemealError('E_REGISTRY', `the password of the registry can't be read from ${printable(path)}`, { cause: error })
  }
}
