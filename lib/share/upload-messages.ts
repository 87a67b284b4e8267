/** What the main thread and the thread that serves uploads say to each other. */
import type { PieceRange, PlacedRun } from '../content/run.js'
import type { ListenAddress } from '../net/listener.js'
import type { Address } from '../protocol/address.js'
import type { ErrorData } from '../protocol/errors.js'
import type { Deadlines } from '../protocol/limits.js'
import type { TaskResult } from '../threads/task-result.js'
import type { FolderEvent, FolderName, FolderShareData } from './folder-share.js'
import type { PartialContent } from './partial-share.js'
import type { Credentials } from '../secret/keys.js'
import type { ServedFile, Share } from './share-index.js'
import type { Upload } from './upload-slots.js'

export interface UploadThreadData {
  /** Of the `RateLimit` on what goes out. */
  up: SharedArrayBuffer
  /** Of the `StreamCount` of all that goes out. */
  streams: SharedArrayBuffer
  /** Who may ask; anybody if left out. */
  credentials?: Credentials | undefined
  deadlines: Deadlines
  maxConnections: number
  maxStreams: number
}

/** What can be asked for, and what is answered. */
export interface UploadCalls {
  listen: { argument: ListenAddress, result: Address }
  add: { argument: Omit<Share, 'pieces'> & { pieces: Uint8Array }, result: undefined }
  remove: { argument: ServedFile, result: undefined }
  addFolder: { argument: FolderShareData, result: undefined }
  removeFolder: { argument: FolderName, result: boolean }
  /** Pieces of a folder are not here any more. */
  lackOfFolder: { argument: FolderName & { pieces: PieceRange }, result: undefined }
  /** Pieces of one that is being downloaded have come. */
  gainOfFolder: { argument: FolderName & { pieces: PieceRange }, result: undefined }
  /** How long nobody has asked for it. */
  folderIdleMs: { argument: FolderName, result: number | undefined }
  /** Some of a content's pieces are there. */
  place: { argument: { content: PartialContent, run: PlacedRun }, result: undefined }
  /** Nothing of a content that was not complete is there any more, or all of it. */
  drop: { argument: string, result: boolean }
  /** All others know now what the thread had told with this id. */
  heard: { argument: number, result: undefined }
  sentLately: { argument: string, result: Uint8Array | undefined }
  uploads: { argument: undefined, result: Upload[] }
  /** By all uploads, since the thread began. */
  sentBytes: { argument: undefined, result: number }
  drain: { argument: undefined, result: undefined }
  close: { argument: undefined, result: undefined }
}

export type UploadCall = { [Name in keyof UploadCalls]: { id: number, name: Name, argument: UploadCalls[Name]['argument'] } }[keyof UploadCalls]

export type UploadMessage =
  | { kind: 'answer', id: number, result: TaskResult<unknown> }
  | { kind: 'changed', file: ServedFile }
  | { kind: 'suspect', file: ServedFile }
  /** Wants to hear of it (`heard`) when the main thread has told all others. */
  | { kind: 'unreadable', id: number, file: ServedFile, piece: number, error: ErrorData }
  /** Wants to hear of it, as above. */
  | { kind: 'folder', id: number, folder: FolderName, event: FolderEvent }
  | { kind: 'probe', probe: string }
  | { kind: 'error', error: ErrorData }
