/** Does something for each item, so many at once, and the first of them before it returns. Ends with the first failure, once what is under way has ended. */
export async function eachInFlight<T> (items: Iterable<T>, most: number, work: (item: T) => Promise<unknown>): Promise<void> {
  const rest = items[Symbol.iterator]()
  const failures: unknown[] = []
  const goOn = async (first: T): Promise<void> => {
    await work(first)
    while (failures.length === 0) {
      const { done, value } = rest.next()
      if (done === true) return
      await work(value)
    }
  }
  const fail = (reason: unknown): void => { failures.push(reason) }
  // Each goes on by itself: to wait for the first of all of them takes longer than most work.
  const underWay: Array<Promise<void>> = []
  while (underWay.length < most && failures.length === 0) {
    const { done, value } = rest.next()
    if (done === true) break
    underWay.push(goOn(value).catch(fail))
  }
  await Promise.all(underWay)
  if (failures.length > 0) throw failures[0]
}
