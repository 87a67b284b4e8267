import { readFile } from 'node:fs/promises'

/** The most memory of a live process that was resident at once so far, in bytes. Linux only. */
export async function peakResidentBytes (pid: number): Promise<number> {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? []
  if (kilobytes === undefined) throw new Error(`the kernel tells nothing of the peak memory of ${pid}`)
  return Number(kilobytes) * 1_024
}
