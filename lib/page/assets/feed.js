// The connection to the tracker: a stream of events, opened again by ourselves, since a browser gives up after any answer but 200.
const SILENT_MS = 40_000
const LOOK_MS = 1_000
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000

export class Feed {
  #onMessage
  #onState
  #source
  #heardMs = Date.now()
  #pauseMs = FIRST_PAUSE_MS
  #retry
  #state = { word: 'connecting', since: Date.now() }

  /** `onMessage(message, { isFirst })`, `onState({ word, since })`: `connecting`, `live`, `polling`, `lost` or `login`. */
  constructor (onMessage, onState) {
    this.#onMessage = onMessage
    this.#onState = onState
    setInterval(() => this.#look(), LOOK_MS)
    this.#open()
  }

  get state () {
    return this.#state
  }

  /** The page is looked at again, or the network is back: no time to wait. */
  wake () {
    if (this.#state.word === 'live' && Date.now() - this.#heardMs < SILENT_MS / 2) return
    this.#pauseMs = FIRST_PAUSE_MS
    this.#open()
  }

  #open () {
    clearTimeout(this.#retry)
    this.#source?.close()
    const source = this.#source = new EventSource('/api/v1/events')
    const hear = () => {
      this.#heardMs = Date.now()
      this.#pauseMs = FIRST_PAUSE_MS
      this.#become('live')
    }
    const take = (isFirst) => ({ data }) => {
      hear()
      this.#onMessage(JSON.parse(data), { isFirst })
    }
    source.addEventListener('snapshot', take(true))
    source.addEventListener('change', take(false))
    source.addEventListener('beat', hear)
    source.onerror = () => {
      if (source === this.#source) this.#ask()
    }
    this.#heardMs = Date.now()
  }

  #look () {
    if (this.#state.word !== 'live' || Date.now() - this.#heardMs <= SILENT_MS) return
    // Said at once: to ask may take its time where nothing comes through.
    this.#become('lost')
    this.#ask()
  }

  /** Why there is no stream, which a stream does not tell: and what there is, while there is no room for one more. */
  async #ask () {
    this.#source?.close()
    this.#source = undefined
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => this.#open(), this.#pauseMs * (0.5 + Math.random() / 2))
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2)
    try {
      const answer = await fetch('/api/v1/snapshot', { headers: { Accept: 'application/json' }, signal: AbortSignal.timeout(10_000) })
      if (answer.status === 401) {
        clearTimeout(this.#retry)
        return this.#become('login')
      }
      if (!answer.ok) return this.#become('lost')
      const messages = await answer.json()
      if (this.#state.word === 'live' && this.#source) return
      for (const [i, message] of messages.entries()) this.#onMessage(message, { isFirst: i === 0 })
      this.#pauseMs = Math.min(this.#pauseMs, 8 * FIRST_PAUSE_MS)
      this.#become('polling')
    } catch {
      this.#become('lost')
    }
  }

  #become (word) {
    if (this.#state.word === word) return
    this.#state = { word, since: word === 'lost' ? this.#heardMs : Date.now() }
    this.#onState(this.#state)
  }
}
