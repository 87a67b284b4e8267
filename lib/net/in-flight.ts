/** Does something for each item, so many at once, and the first of them before it returns. Ends with the first failure, once what is under way has ended. */
export async function eachInFlight<T> (items: Iterable<T>, most: number, work: (item: T) => Promise<unknown>): Promise<void> {
  const underWay = new Set<Promise<void>>()
  const failures: unknown[] = []
  for (const item of items) {
    const one: Promise<void> = work(item).then(() => {}, (reason: unknown) => { failures.push(reason) }).finally(() => underWay.delete(one))
    underWay.add(one)
    if (underWay.size >= most) await Promise.race(underWay)
    if (failures.length > 0) break
  }
  await Promise.all(underWay)
  if (failures.length > 0) throw failures[0]
}
