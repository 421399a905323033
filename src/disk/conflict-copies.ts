/** What file synchronisers leave beside a log when two machines changed it. */
import path from 'node:path'
import { listFolder, look } from './files.js'
import { nameOfConflictCopy } from './names.js'

export interface ConflictCopy {
  file: string
  /** Name of the session, without ending. */
  name: string
}

/** The conflict copies in a store's folder, in the order of their names. */
export function conflictCopiesIn(folder: string): ConflictCopy[] {
  return listFolder(folder)
    .sort()
    .flatMap((entry) => {
      const name = nameOfConflictCopy(entry)
      const file = path.join(folder, entry)
      const stat = name === undefined ? undefined : look(file)
      return name === undefined || stat === undefined || stat === 'other' ? [] : [{ file, name }]
    })
}
