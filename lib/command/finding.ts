/** What `piecemeal doctor` says of one thing, and how it finds that out. */
import type { Settings } from './settings.js'

export interface Finding {
  what: string
  /** `bad`: this does not work; `odd`: it may not. */
  how: 'good' | 'odd' | 'bad'
  says: string
}

export type Look = (settings: Settings) => Promise<Finding | Finding[]> | Finding | Finding[]
