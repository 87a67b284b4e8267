/** All that a download is made of, to be loaded afresh as a whole, with another disk. */
export { giveName } from '../../lib/disk/give-name.js'
export { digestPieces } from '../../lib/disk/digest-pieces.js'
export { fromTaskResult, toTaskResult } from '../../lib/threads/task-result.js'
export { download } from '../../lib/download/download.js'
export { fetchPart } from '../../lib/part/fetch-part.js'
