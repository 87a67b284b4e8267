/**
 * Memory that threads share, and that grows where it is. What is copied to be made larger stays until the
 * garbage collector comes by, and that is not told of shared memory: for a million entries it was as much again.
 */

/** How much larger it may get in place: that much is reserved of addresses, and of memory nothing. */
const RESERVED = 64

/** The same memory, or a larger one with the same in it. Views of it have to be made anew. */
export function withBytes (memory: SharedArrayBuffer, least: number): SharedArrayBuffer {
  if (memory.byteLength >= least) return memory
  const twice = Math.max(least, 2 * memory.byteLength)
  if (least <= memory.maxByteLength) {
    memory.grow(Math.min(twice, memory.maxByteLength))
    return memory
  }
  const larger = new SharedArrayBuffer(twice, { maxByteLength: RESERVED * twice })
  new Uint8Array(larger).set(new Uint8Array(memory))
  return larger
}
