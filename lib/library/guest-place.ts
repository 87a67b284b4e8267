import { realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/** The folder that downloads to a path go to, which a node works in for as long as they run. */
export async function guestPlace (to: string | undefined, isForSeveral: boolean): Promise<string> {
  if (to === undefined) return process.cwd()
  const isFolder = to.endsWith('/') || isForSeveral || await stat(to).then((there) => there.isDirectory(), () => false)
  const folder = isFolder ? to : dirname(to)
  // Not normalised: of a link `..` is the parent of where it leads.
  return await realpath(folder).catch(() => resolve(folder))
}
