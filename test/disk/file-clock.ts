import { randomUUID } from 'node:crypto'
import { rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The kernel stamps files by a clock that moves every few milliseconds. Until it has moved, a
 * change that keeps the size can't be told from none, by anybody.
 */
export async function untilFileClockMoves (folder: string): Promise<void> {
  const probe = join(folder, `.clock-${randomUUID()}`)
  const stamp = async (): Promise<bigint> => {
    await writeFile(probe, 'x')
    return (await stat(probe, { bigint: true })).ctimeNs
  }
  const begun = await stamp()
  while (await stamp() === begun);
  await rm(probe)
}
