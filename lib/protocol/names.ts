import { PiecemealError } from './errors.js'
import { FILE_NAME_BYTES, NODE_NAME_CHARACTERS } from './limits.js'

/** The folder inside a node's folder that holds what is under way; no file may have this name. */
export const HIDDEN_FOLDER = '.piecemeal'
/** The same beside a target in another folder than the node's own: `.piecemeal-<user id>-<32 hex digits>`. */
const HIDDEN_NAME = /^\.piecemeal(?:-\d+-[0-9a-f]{32})?$/

const NODE_NAME = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._-]{0,${NODE_NAME_CHARACTERS - 1}}$`)
// eslint-disable-next-line no-control-regex -- control characters are what is refused
const FORBIDDEN = /[/\\\u0000-\u001f\u007f-\u009f]/
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u

/** @throws E_NAME unless `name` is one path component that every file system here can hold. */
export function assertFileName (name: string): void {
  const why = whyNotFileName(name)
  if (why !== undefined) throw new PiecemealError('E_NAME', `${quote(name)} is no file name: ${why}`)
}

/** @throws E_NAME unless `name` is 1 to 64 of `A-Z a-z 0-9 . _ -`, starting with a letter or digit. */
export function assertNodeName (name: string): void {
  if (NODE_NAME.test(name)) return
  throw new PiecemealError('E_NAME', `${quote(name)} is no node name: 1 to ${NODE_NAME_CHARACTERS} of A-Z a-z 0-9 . _ -, a letter or digit first`)
}

/** The reason, for a message that names more than the component itself. */
export function whyNotFileName (name: string): string | undefined {
  if (name === '') return 'it is empty'
  if (name === '.' || name === '..') return 'it is a folder'
  if (HIDDEN_NAME.test(name)) return 'piecemeal keeps it for itself'
  if (!name.isWellFormed()) return 'it is not well-formed Unicode'
  if (FORBIDDEN.test(name)) return 'it has a path separator or a control character'
  if (Buffer.byteLength(name) > FILE_NAME_BYTES) return `it is longer than ${FILE_NAME_BYTES} bytes`
  return undefined
}

/** A name from anywhere, JSON-quoted and cut to a length that fits a line, for a message. */
export function quote (name: string): string {
  const characters = 300
  return escapeUnprintable(JSON.stringify(name.length > characters ? `${name.slice(0, characters)}…` : name))
}

/** A name as it is where it is harmless to print, JSON-quoted otherwise. */
export function printable (name: string): string {
  return PRINTABLE.test(name) && name.isWellFormed() ? name : quote(name)
}

/** Words of others, for a line on a terminal: whatever would end the line or move its text is escaped. */
export function oneLine (text: string): string {
  return escapeUnprintable(text)
}

/** JSON leaves characters as they are that turn a terminal's text around or hide it. */
function escapeUnprintable (json: string): string {
  return json.replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, (character) =>
    Array.from({ length: character.length }, (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''))
}
