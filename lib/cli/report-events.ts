import type { NodeEvents } from '../node/events.js'
import type { Node } from '../node/node.js'
import type { Reporter, Reports } from '../ui/reporter.js'

type Told = Exclude<keyof NodeEvents, 'error'>

/** @param left what is not told: its user did not ask for a node */
export function reportEvents (node: Node, reporter: Reporter, left: readonly Told[] = []): void {
  const tell = <Name extends Told>(name: Name): void => {
    const listen = (event: Reports[Name]): void => reporter.report(name, event)
    if (!left.includes(name)) node.on(name, listen as never)
  }
  for (const name of NAMES) tell(name)
}

const NAMES: readonly Told[] = ['listening', 'connected', 'lost', 'unreachable', 'sharing', 'withdrawn', 'changed', 'unshared', 'verified', 'waiting', 'progress', 'saved', 'warning', 'left']
