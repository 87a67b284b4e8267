/** What concerns one name is done one after the other. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>()

  async take (name: string, work: () => Promise<void>): Promise<void> {
    const turn = (this.#last.get(name) ?? Promise.resolve()).then(work)
    const done = turn.catch(() => {})
    this.#last.set(name, done)
    await turn.finally(() => { if (this.#last.get(name) === done) this.#last.delete(name) })
  }
}
