/** Several contents go by one name: which they are, for a program, a person with curl, or a browser; never as an answer that a program takes for the file. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ConflictError } from '../protocol/errors.js'
import { wants } from '../web/answer.js'
import { escape } from './metalink.js'
import { encodeName } from './representation.js'

export function answerConflict ({ code, message, versions }: ConflictError, filename: string, request: FastifyRequest, reply: FastifyReply, room: 'files' | 'folders' = 'files'): undefined {
  const listed = versions.map((version) => ({ ...version, href: `/${room}/${encodeName(filename)}?digest=${version.digest}` }))
  reply.code(409).header('Cache-Control', 'no-store')
  if (wants(request, 'application/json')) void reply.send({ error: { code, message }, versions: listed })
  else if (wants(request, 'text/html')) {
    const rows = listed.map(({ href, digest, size, owners }) => `<tr><td><a href="${href}">${digest.slice(7, 19)}</a></td><td>${size} bytes</td><td>${owners} ${owners === 1 ? 'owner' : 'owners'}</td></tr>`).join('\n')
    void reply.type('text/html; charset=utf-8').send(`<!doctype html><meta charset="utf-8"><title>${escape(filename)}</title>\n<h1>Several contents have the name ${escape(filename)}</h1>\n<table>\n${rows}\n</table>\n`)
  } else {
    const lines = listed.map(({ href, digest, size, owners }) => `${digest} ${size} bytes, ${owners} ${owners === 1 ? 'owner' : 'owners'}: ${href}`).join('\n')
    void reply.type('text/plain; charset=utf-8').send(`${code} ${message}\n${lines}\n`)
  }
  return undefined
}
