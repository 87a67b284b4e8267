/** Which tests run together. Each of their files runs by itself as well. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../helpers/command.js'

const BUILT = 'dist/test'
/** Each of their files has a process of its own: the groups of all other rooms, and tests that start processes. */
export const ROOMS_OF_PROCESSES = ['at-once', 'browser', 'e2e']
/** Each is twice the same, in the open and with a secret, or nearly, and takes many processes: the second half is left to `test/field`. */
export const BOTH_WAYS = ['kill-resume', 'owner-faults', 'swarm', 'swarm-faults'].map((name) => join(BUILT, 'e2e', `${name}.test.js`))
/** It has a run of its own: `npm run test:field`. */
const NOT_HERE = 'field'
/** Where nodes meet, where sockets do, and what waits for Redis; `rooms` has all others. */
const GROUPS = {
  nodes: ['node'],
  downloads: ['download', 'library'],
  wire: ['net', 'part', 'share', 'tracker'],
  registry: ['registry'],
}

export type Group = keyof typeof GROUPS | 'rooms'

export interface Share {
  /** From 1. */
  number: number
  of: number
}

/** @param share of a group that would take longer than all others: every second of its files, and so on */
export function testsOf (group: Group, { number, of }: Share = { number: 1, of: 1 }): string[] {
  return (group === 'rooms' ? allOthers() : GROUPS[group]).flatMap(testsIn).filter((_, i) => i % of === number - 1)
}

/** As they were built, from the root of the project. */
export function testsIn (room: string): string[] {
  return readdirSync(join(ROOT, BUILT, room), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.js')).sort().map((name) => join(BUILT, room, name))
}

function allOthers (): string[] {
  const known = [...ROOMS_OF_PROCESSES, NOT_HERE, ...Object.values(GROUPS).flat()]
  return readdirSync(join(ROOT, BUILT), { withFileTypes: true }).filter((entry) => entry.isDirectory() && !known.includes(entry.name)).map(({ name }) => name)
}
