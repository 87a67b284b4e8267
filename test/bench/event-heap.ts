/** Who is next: a binary heap of members by the time of their next event, which may be moved. */
export class EventHeap {
  /** Members in heap order. */
  readonly #members: Int32Array
  /** Where each member is in the heap; -1 if it is not. */
  readonly #places: Int32Array
  readonly #times: Float64Array
  #size = 0

  /** @param members numbers from 0 to here, exclusive */
  constructor (members: number) {
    this.#members = new Int32Array(members)
    this.#places = new Int32Array(members).fill(-1)
    this.#times = new Float64Array(members)
  }

  /** The member with the earliest event, or -1. */
  get first (): number {
    return this.#size === 0 ? -1 : this.#members[0] ?? -1
  }

  timeOf (member: number): number {
    return this.#places[member] === -1 ? Infinity : this.#times[member] ?? Infinity
  }

  /** Adds a member, or moves it; `Infinity` for one without an event. */
  set (member: number, time: number): void {
    let place = this.#places[member] ?? -1
    if (place === -1) place = this.#size++
    const isEarlier = time < (this.#times[member] ?? 0) || this.#places[member] === -1
    this.#times[member] = time
    this.#put(member, place)
    if (isEarlier) this.#rise(member, place)
    else this.#sink(member, place)
  }

  #rise (member: number, place: number): void {
    const time = this.#times[member] ?? 0
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = this.#members[parent] ?? 0
      if ((this.#times[above] ?? 0) <= time) break
      this.#put(above, place)
      place = parent
    }
    this.#put(member, place)
  }

  #sink (member: number, place: number): void {
    const time = this.#times[member] ?? 0
    for (;;) {
      let child = 2 * place + 1
      if (child >= this.#size) break
      if (child + 1 < this.#size && this.#at(child + 1) < this.#at(child)) child++
      if (this.#at(child) >= time) break
      this.#put(this.#members[child] ?? 0, place)
      place = child
    }
    this.#put(member, place)
  }

  #at (place: number): number {
    return this.#times[this.#members[place] ?? 0] ?? 0
  }

  #put (member: number, place: number): void {
    this.#members[place] = member
    this.#places[member] = place
  }
}
