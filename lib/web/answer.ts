/** Refusals as a person's browser, a script and a person with curl read them. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { loginPage } from './login-page.js'
import { toRefusal, type Refusal } from './refusal.js'

/** @returns what was answered */
export function answerWithRefusal (error: unknown, request: FastifyRequest, reply: FastifyReply): Refusal {
  const refusal = toRefusal(error)
  const { status, code, message, headers } = refusal
  reply.code(status).headers({ 'Cache-Control': 'no-store', ...headers })
  if (wants(request, 'text/html') && (status === 401 || status === 429)) loginPage(request, reply, message)
  else if (wants(request, 'application/json')) void reply.send({ error: { code, message } })
  else void reply.type('text/plain; charset=utf-8').send(`${code} ${message}\n`)
  return refusal
}

/** Whether that is what it asks for first of all. */
export function wants ({ headers: { accept = '' } }: FastifyRequest, type: 'text/html' | 'application/json'): boolean {
  return accept.trimStart().startsWith(type)
}
