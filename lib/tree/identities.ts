/** What tells that the files of a tree are still those that were looked at: a number or two each, in memory that threads share. */
import type { BigIntStats } from 'node:fs'
import { inMemory, type FileIdentity } from '../disk/own-file.js'
import { withBytes } from '../manifest/shared-memory.js'

/** By the entry's number in the manifest. The device is not remembered: it changes when the machine starts. */
export interface TreeIdentities {
  /** Of this run of the machine. */
  dev: BigUint64Array
  ino: BigUint64Array
  size: Float64Array
  mtimeNs: BigInt64Array
  /** 0 of a file that was too young when it was looked at: it may be written to again without another time. */
  ctimeNs: BigInt64Array
}

/** A file that is written to twice within that time may have one time only. */
const YOUNG_NS = 2_000_000_000n
const NS_PER_MS = 1_000_000n

/** @param least of how many entries; may be made larger by `withRoomFor` */
export function newIdentities (least: number): TreeIdentities {
  const shared = (): SharedArrayBuffer => new SharedArrayBuffer(least * BigInt64Array.BYTES_PER_ELEMENT)
  return identitiesIn({ dev: shared(), ino: shared(), size: shared(), mtimeNs: shared(), ctimeNs: shared() })
}

/** The same, or larger ones with the same in them, mostly in the same memory. */
export function withRoomFor (identities: TreeIdentities, index: number): TreeIdentities {
  if (index < identities.size.length) return identities
  const { dev, ino, size, mtimeNs, ctimeNs } = identities
  const larger = ({ buffer }: { buffer: ArrayBufferLike }): SharedArrayBuffer => withBytes(buffer as SharedArrayBuffer, (index + 1) * BigInt64Array.BYTES_PER_ELEMENT)
  return identitiesIn({ dev: larger(dev), ino: larger(ino), size: larger(size), mtimeNs: larger(mtimeNs), ctimeNs: larger(ctimeNs) })
}

function identitiesIn ({ dev, ino, size, mtimeNs, ctimeNs }: Record<keyof TreeIdentities, SharedArrayBuffer>): TreeIdentities {
  const count = Math.floor(dev.byteLength / BigInt64Array.BYTES_PER_ELEMENT)
  return {
    dev: new BigUint64Array(dev, 0, count),
    ino: new BigUint64Array(ino, 0, count),
    size: new Float64Array(size, 0, count),
    mtimeNs: new BigInt64Array(mtimeNs, 0, count),
    ctimeNs: new BigInt64Array(ctimeNs, 0, count),
  }
}

export function setIdentity (identities: TreeIdentities, index: number, { dev, ino, size, mtimeNs, ctimeNs }: Pick<BigIntStats, 'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>): void {
  identities.dev[index] = dev
  identities.ino[index] = ino
  identities.size[index] = Number(size)
  identities.mtimeNs[index] = mtimeNs
  identities.ctimeNs[index] = ctimeNs
}

/** Whether that entry is a file, unchanged since it was looked at. */
export function isUnchanged (identities: TreeIdentities, index: number, { ino, size, mtimeNs, ctimeNs }: Pick<BigIntStats, 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>): boolean {
  return identities.ino[index] === ino && identities.size[index] === Number(size) && identities.mtimeNs[index] === inMemory(mtimeNs) && identities.ctimeNs[index] === ctimeNs
}

/** Whether it may be written to without being seen to be. @param nowMs by the wall clock */
export function isYoung ({ mtimeNs, ctimeNs }: { mtimeNs: bigint, ctimeNs: bigint }, nowMs: number): boolean {
  const latest = mtimeNs > ctimeNs ? mtimeNs : ctimeNs
  return BigInt(nowMs) * NS_PER_MS - latest < YOUNG_NS
}

/** Whole milliseconds, rounded down, before 1970 as well. */
export function wholeMs (ns: bigint): number {
  return Number(ns >= 0n || ns % NS_PER_MS === 0n ? ns / NS_PER_MS : ns / NS_PER_MS - 1n)
}

/** As a file by itself has it. */
export function identityAt ({ dev, ino, size, mtimeNs, ctimeNs }: TreeIdentities, index: number): FileIdentity {
  return { dev: dev[index] ?? 0n, ino: ino[index] ?? 0n, size: BigInt(size[index] ?? 0), mtimeNs: mtimeNs[index] ?? 0n, ctimeNs: ctimeNs[index] ?? 0n }
}
