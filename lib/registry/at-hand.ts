/** An answer while Redis is away: from what this tracker's own nodes have, and from what it has answered lately. */
import { PiecemealError, toPiecemealError } from '../protocol/errors.js'
import { OWNERS_PER_REPLY } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'
import type { Found, OwnerQuestion, Registry } from '../tracker/registry.js'
import type { DrawnAnswers } from './drawn-answers.js'

/**
 * @param own what this tracker's nodes have @param isOwn whether a node is one of them
 * @throws E_REGISTRY, never E_NO_OWNER: that nobody has it can't be known; ConflictError if its own nodes have several contents
 */
export async function atHand (question: OwnerQuestion, own: Pick<Registry, 'owners'>, answers: DrawnAnswers, isOwn: (node: string) => boolean): Promise<Found> {
  const { filename, asker, digestPrefix } = question
  const ofOwn = await own.owners(question).catch((error: unknown) => {
    if (toPiecemealError(error).code !== 'E_NO_OWNER') throw error
  })
  const ofOthers = (await answers.remembered(filename, digestPrefix ?? ''))?.for(asker)
  const found = ofOwn ?? ofOthers
  // Own nodes that it names may have left since.
  const others = ofOthers !== undefined && ofOthers.digest === found?.digest ? ofOthers.owners.filter(({ name }) => !isOwn(name)) : []
  const owners = [...ofOwn?.owners ?? [], ...others].sort((a, b) => Number(b.complete) - Number(a.complete))
  if (found === undefined || owners.length === 0) throw new PiecemealError('E_REGISTRY', `the registry is away, and this tracker knows nobody who has ${quote(filename)}`)
  return { ...found, owners: owners.slice(0, OWNERS_PER_REPLY), degraded: true }
}
