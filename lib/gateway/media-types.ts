/** What a browser may show: all else it saves. A member's page, script or SVG never runs where the session is. */
import { extname } from 'node:path'

const TYPES: ReadonlyMap<string, string> = new Map([
  ['mp4', 'video/mp4'], ['m4v', 'video/mp4'], ['webm', 'video/webm'], ['ogv', 'video/ogg'], ['mov', 'video/quicktime'], ['mkv', 'video/x-matroska'],
  ['mp3', 'audio/mpeg'], ['m4a', 'audio/mp4'], ['aac', 'audio/aac'], ['ogg', 'audio/ogg'], ['oga', 'audio/ogg'], ['opus', 'audio/ogg'], ['flac', 'audio/flac'], ['wav', 'audio/wav'],
  ['jpg', 'image/jpeg'], ['jpeg', 'image/jpeg'], ['png', 'image/png'], ['gif', 'image/gif'], ['webp', 'image/webp'], ['avif', 'image/avif'], ['bmp', 'image/bmp'],
])

export const OTHER_TYPE = 'application/octet-stream'

/** By the end of a name. */
export function mediaType (filename: string): string {
  return TYPES.get(extname(filename).slice(1).toLowerCase()) ?? OTHER_TYPE
}
