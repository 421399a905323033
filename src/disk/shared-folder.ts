/**
 * What all stores of this copy of the package share about one folder: one object for each root, from the first store
 * that opens it to the last one that closes. This module holds the only map of its kind: all that must be one for a
 * folder is a part of its object.
 */

/** Something that there is once for a folder. */
export interface SharedPart {
  /** Called when the last store has closed. */
  close(): void
  /** Called when the process exits before that. */
  exit?(): void
}

const folders = new Map<string, SharedFolder>()

function exitAll(): void {
  for (const folder of folders.values()) folder.exit()
}

export class SharedFolder {
  readonly #root: string
  readonly #parts = new Map<unknown, SharedPart>()
  #users = 0

  private constructor(root: string) {
    this.#root = root
  }

  /** How many folders this copy of the package has open; at least 1. */
  static get count(): number {
    return Math.max(1, folders.size)
  }

  /** The object of this folder, for one more user, which must `release` it. */
  static acquire(root: string): SharedFolder {
    if (folders.size === 0) process.once('exit', exitAll)
    const folder = folders.get(root) ?? new SharedFolder(root)
    folders.set(root, folder)
    folder.#users++
    return folder
  }

  /** The part that `make` makes: the same object for the same function. */
  part<T extends SharedPart>(make: (root: string) => T): T {
    const part = this.#parts.get(make) ?? make(this.#root)
    this.#parts.set(make, part)
    return part as T
  }

  exit(): void {
    for (const part of this.#parts.values()) part.exit?.()
  }

  release(): void {
    if (--this.#users > 0) return
    folders.delete(this.#root)
    if (folders.size === 0) process.removeListener('exit', exitAll)
    const failures: unknown[] = []
    for (const part of this.#parts.values()) {
      try {
        part.close()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}
