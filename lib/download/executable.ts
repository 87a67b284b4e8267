import type { Found } from '../protocol/tracker-to-node.js'

/** Whether a file is to be executable: where all who have it whole say so. One liar alone can't make it so. */
export function isExecutable ({ owners }: Pick<Found, 'owners'>): boolean {
  const complete = owners.filter(({ complete }) => complete)
  return complete.length > 0 && complete.every(({ executable }) => executable)
}
