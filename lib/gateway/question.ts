/** What a request for a file asks for. */
import type { FastifyRequest } from 'fastify'
import { DIGEST_PREFIX, isDigestQuestion } from '../protocol/content.js'
import { quote, whyNotFileName } from '../protocol/names.js'
import { Refusal } from '../web/refusal.js'

export interface Question {
  filename: string
  /** Which content, where there are several: whole, or its beginning. */
  digest: string | undefined
  wantsMetalink: boolean
}

/** What a request for a folder, or something in it, asks for. */
export interface FolderQuestion {
  filename: string
  /** In the folder; `''` is the folder itself. */
  path: string
  digest: string | undefined
  /** Whether a `/` stands at the end. */
  isFolder: boolean
  wantsTar: boolean
}

/** The name as it stood in the path, before anybody has normalised that. @throws 404. */
export function nameIn ({ raw: { url = '' } }: Pick<FastifyRequest, 'raw'>): string {
  return decode(placeIn(url, 'files'))
}

/** @throws 400, 404. */
export function questionIn (request: Pick<FastifyRequest, 'raw'>): Question {
  const parameters = parametersOf(request)
  return { filename: nameIn(request), digest: digestIn(parameters), wantsMetalink: parameters.get('format') === 'meta4' }
}

/** Each component is a name, however it is written: what can't be one leads nowhere. @throws 400, 404. */
export function folderQuestionIn (request: Pick<FastifyRequest, 'raw'>): FolderQuestion {
  const parameters = parametersOf(request)
  const digest = digestIn(parameters)
  // apt asks a flat repository for `./Packages`: that it is here says nothing, and leads nowhere.
  const names = placeIn(request.raw.url ?? '', 'folders').split('/').filter((name, at) => name !== '.' || at === 0)
  const isFolder = names.length > 1 && names.at(-1) === ''
  const [filename = '', ...path] = (isFolder ? names.slice(0, -1) : names).map(decode)
  for (const name of [filename, ...path]) {
    const why = whyNotFileName(name)
    if (why !== undefined) throw new Refusal(404, 'E_NAME', `${quote(name)} is no name in a folder: ${why}`)
  }
  return { filename, path: path.join('/'), digest, isFolder, wantsTar: parameters.get('format') === 'tar' }
}

function placeIn (url: string, room: 'files' | 'folders'): string {
  const [path = ''] = url.split('?')
  const at = path.indexOf(`/${room}/`)
  return at < 0 ? '' : path.slice(at + room.length + 2)
}

function decode (text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Refusal(404, 'E_NO_OWNER', 'no file has a name that is not UTF-8')
  }
}

function parametersOf ({ raw: { url = '' } }: Pick<FastifyRequest, 'raw'>): URLSearchParams {
  return new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?') + 1) : '')
}

function digestIn (parameters: URLSearchParams): string | undefined {
  const digest = parameters.get('digest') ?? undefined
  if (digest !== undefined && !isDigestQuestion(digest)) throw new Refusal(400, 'E_USAGE', `digest wants 8 or more hex digits, with or without ${DIGEST_PREFIX} before them`)
  return digest !== undefined && digest.length === 64 ? DIGEST_PREFIX + digest : digest
}
