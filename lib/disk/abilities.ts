/** What the file system of a folder can do: found out before a byte is asked for, on names of our own. */
import { findNaming, type Naming } from './give-name.js'
import { hasHoles } from './has-holes.js'

/** Plain data, for it goes to threads. */
export interface Abilities {
  naming: Naming
  /** Whether its files may have holes. */
  hasHoles: boolean
}

/** Waits for the disk. */
export function findAbilities (hiddenFolder: string): Abilities {
  return { naming: findNaming(hiddenFolder), hasHoles: hasHoles(hiddenFolder) }
}
