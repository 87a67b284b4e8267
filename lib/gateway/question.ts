/** What a request for a file asks for. */
import type { FastifyRequest } from 'fastify'
import { DIGEST_PREFIX, isDigestQuestion } from '../protocol/content.js'
import { Refusal } from '../web/refusal.js'

export interface Question {
  filename: string
  /** Which content, where there are several: whole, or its beginning. */
  digest: string | undefined
  wantsMetalink: boolean
}

/** The name as it stood in the path, before anybody has normalised that. @throws 404. */
export function nameIn ({ raw: { url = '' } }: Pick<FastifyRequest, 'raw'>): string {
  const [, name = ''] = /^[^?]*?\/files\/([^?]*)/s.exec(url) ?? []
  try {
    return decodeURIComponent(name)
  } catch {
    throw new Refusal(404, 'E_NO_OWNER', 'no file has a name that is not UTF-8')
  }
}

/** @throws 400, 404. */
export function questionIn (request: Pick<FastifyRequest, 'raw'>): Question {
  const { url = '' } = request.raw
  const parameters = new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?') + 1) : '')
  const digest = parameters.get('digest') ?? undefined
  if (digest !== undefined && !isDigestQuestion(digest)) throw new Refusal(400, 'E_USAGE', `digest wants 8 or more hex digits, with or without ${DIGEST_PREFIX} before them`)
  return {
    filename: nameIn(request),
    digest: digest !== undefined && digest.length === 64 ? DIGEST_PREFIX + digest : digest,
    wantsMetalink: parameters.get('format') === 'meta4',
  }
}
