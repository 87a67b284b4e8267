/** What a download that gets no byte waits for. */
export interface Waiting {
  /** A file's name. */
  file: string
  for: 'owner' | 'disk' | 'tracker' | 'slot'
  /** The names of the owners that are waited for, if it is them. */
  owners: string[]
  /** Since its last byte, or since it began. */
  seconds: number
}
