/** Who holds a UDP port of this machine, as far as Linux tells this user. */
import { readdir, readFile, readlink } from 'node:fs/promises'

const TABLES = ['/proc/net/udp', '/proc/net/udp6']
const LOCAL_ADDRESS = 1
const INODE = 9

/** @returns `NAME (pid N)` of each; only root is told of other users' processes */
export async function holdersOf (port: number): Promise<string[]> {
  const sockets = new Set((await Promise.all(TABLES.map(async (table) => await readFile(table, 'utf8').catch(() => '')))).flatMap((table) => inodesOf(table, port)).map((inode) => `socket:[${inode}]`))
  const processes = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  const holders = await Promise.all(processes.map(async (pid) => await holds(pid, sockets) ? [`${await nameOf(pid)} (pid ${pid})`] : []))
  return holders.flat()
}

/** The sockets of a table of the kernel that have that port. */
export function inodesOf (table: string, port: number): string[] {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return table.split('\n').slice(1).flatMap((line) => {
    const columns = line.trim().split(/\s+/)
    const inode = columns[INODE]
    return inode !== undefined && columns[LOCAL_ADDRESS]?.endsWith(end) === true ? [inode] : []
  })
}

async function holds (pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  for (const descriptor of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
    if (sockets.has(await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => ''))) return true
  }
  return false
}

async function nameOf (pid: string): Promise<string> {
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '?')).trim()
}
