/** The pair of files that TLS goes by, read anew when they change: renewed while downloads run, and swapped by a link as well as written over. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'

export interface CertificateFiles {
  cert: string
  key: string
}

export interface Pair {
  cert: Buffer
  key: Buffer
}

const LOOK_MS = 10_000

export class Certificate {
  readonly #files: CertificateFiles
  /** There is another pair. */
  onChange: (pair: Pair) => void = () => {}
  readonly #onError: (error: Error) => void
  #pair: Pair
  /** What was told of the pair that lies there now. */
  #told = ''
  readonly #looking: NodeJS.Timeout

  /** @throws E_AUTH if the files can't be used. */
  static async open (files: CertificateFiles, onError: (error: Error) => void): Promise<Certificate> {
    return new Certificate(files, await readPair(files), onError)
  }

  private constructor (files: CertificateFiles, pair: Pair, onError: (error: Error) => void) {
    this.#files = files
    this.#pair = pair
    this.#onError = onError
    this.#looking = setInterval(() => { void this.look() }, LOOK_MS).unref()
  }

  get pair (): Pair {
    return this.#pair
  }

  /** When it ends, in seconds of the Unix clock. */
  get expiry (): number {
    return Date.parse(new X509Certificate(this.#pair.cert).validTo) / 1_000
  }

  /** A pair that does not fit leaves the one before, and is told of once. */
  async look (): Promise<void> {
    try {
      const pair = await readPair(this.#files)
      this.#told = ''
      if (pair.cert.equals(this.#pair.cert) && pair.key.equals(this.#pair.key)) return
      this.#pair = pair
      this.onChange(pair)
    } catch (error) {
      if (!(error instanceof PiecemealError)) throw error
      if (error.message !== this.#told) this.#onError(new PiecemealError('E_AUTH', `${error.message}; the one before stays in use`, { cause: error }))
      this.#told = error.message
    }
  }

  close (): void {
    clearInterval(this.#looking)
  }
}

async function readPair ({ cert: certPath, key: keyPath }: CertificateFiles): Promise<Pair> {
  const [cert, key] = await Promise.all([certPath, keyPath].map(async (path) => await readFile(path).catch((cause: unknown) => {
    throw new PiecemealError('E_AUTH', `cannot read ${quote(path)}: ${systemCode(cause) ?? 'failed'}`, { cause })
  }))) as [Buffer, Buffer]
  try {
    createSecureContext({ cert, key })
    return { cert, key }
  } catch (cause) {
    throw new PiecemealError('E_AUTH', `${quote(certPath)} and ${quote(keyPath)} are no certificate and its key: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}
