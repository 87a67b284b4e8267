/** piecemeal as a library: a tracker and nodes, with typed events; the commands are thin users of the same. */
export { Node, type NodeLimits, type NodeOptions, type NodeStatus } from './node/node.js'
export type { ListeningEvent, NodeEvents, ProgressEvent, SavedEvent, SharingEvent } from './node/events.js'
export { Tracker, type TrackerEvents, type TrackerOptions } from './tracker/tracker.js'
export { readSecret, writeNewSecret } from './secret/secret-file.js'
export type { Secret } from './secret/keys.js'
export type { Registry } from './tracker/registry.js'
export type { Address } from './protocol/address.js'
export { ConflictError, EXIT_STATUS, PiecemealError, type ErrorCode, type Version } from './protocol/errors.js'
