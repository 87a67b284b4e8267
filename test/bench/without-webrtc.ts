/** A hook for imports: webtorrent without WebRTC, whose binary is fetched at installation and not needed over TCP. */
import type { ResolveHook } from 'node:module'

const NO_WEBRTC = 'data:text/javascript,export default class Peer {}'

export const resolve: ResolveHook = async (specifier, context, nextResolve) =>
  specifier.startsWith('@thaunknown/simple-peer') ? { url: NO_WEBRTC, shortCircuit: true } : await nextResolve(specifier, context)
