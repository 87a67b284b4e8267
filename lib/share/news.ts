/** Something has happened, for those who wait to look again. */
export class News {
  readonly #listeners = new Set<() => void>()

  tell (): void {
    for (const hear of [...this.#listeners]) hear()
  }

  /** Resolves with the next news, and without any after `mostMs`. */
  async next (mostMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const hear = (): void => {
        clearTimeout(timer)
        this.#listeners.delete(hear)
        resolve()
      }
      const timer = setTimeout(hear, mostMs)
      this.#listeners.add(hear)
    })
  }
}
