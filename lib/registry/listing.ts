/** The names of files stand apart from their records, on other masters of a cluster: so the two are not changed as one. */
import type { FileKeys, Keys } from './keys.js'
import type { Store } from './store.js'

export async function list (store: Store, { names }: Pick<FileKeys, 'names'>, filename: string): Promise<void> {
  await store.call(['ZADD', names, 0, filename])
}

/** Nobody had it; if somebody has it again by now, the name is put back. Whoever announces it later lists it after that. */
export async function unlistIfGone (store: Store, keys: Keys, filename: string): Promise<void> {
  const { file, names } = keys.of(filename)
  await store.call(['ZREM', names, filename])
  if (await store.call(['EXISTS', file]) === 1) await store.call(['ZADD', names, 0, filename])
}
