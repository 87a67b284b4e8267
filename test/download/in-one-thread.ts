/** All that a download is made of, to be loaded afresh as a whole, with another disk. */
export { digestPieces } from '../../lib/content/digest-pieces.js'
export { fromTaskResult, toTaskResult } from '../../lib/content/task-result.js'
export { download } from '../../lib/download/download.js'
export { fetchPart } from '../../lib/download/fetch-part.js'
