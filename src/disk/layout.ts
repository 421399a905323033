/** The paths of one store. */
import path from 'node:path'
import { BLOBS, isSessionName, LOG, SIDECAR } from './names.js'

export class Layout {
  readonly locks: string
  readonly waiting: string
  readonly trash: string
  readonly quarantines: string
  readonly running: string
  /** Logs that an import is making. */
  readonly imports: string
  /** Derived files for searches and lists; can be deleted. */
  readonly index: string
  readonly #prefix: string

  constructor(readonly root: string) {
    // names of sessions need no normalising, and lists make many paths
    this.#prefix = path.join(root, path.sep)
    this.locks = path.join(root, '.locks')
    this.waiting = path.join(this.locks, '.waiting')
    this.trash = path.join(root, '.trash')
    this.quarantines = path.join(root, '.quarantine')
    this.running = path.join(root, '.running')
    this.imports = path.join(root, '.import')
    this.index = path.join(root, '.index')
  }

  log(name: string): string {
    return this.#prefix + name + LOG
  }

  sidecar(name: string): string {
    return this.#prefix + name + SIDECAR
  }

  blobs(name: string): string {
    return this.#prefix + name + BLOBS
  }

  quarantine(name: string): string {
    return path.join(this.quarantines, name)
  }

  /** The rows of the last list. The number is that of the format: each has a file of its own. */
  list(): string {
    return path.join(this.index, 'list-2')
  }

  /** The signatures of all logs, numbered in the same way. */
  signatures(): string {
    return path.join(this.index, 'search-2')
  }

  /** The folder that is the session's lock while a process holds its lease. */
  lock(name: string): string {
    if (!isSessionName(name)) throw new TypeError(`no name of a session: ${name}`)
    return path.join(this.locks, name)
  }

  /** A fresh temporary name beside a log, which `nameOfTemporary` recognises. */
  temporary(name: string, nonce: string): string {
    return path.join(this.root, `.${name}.${nonce}.tmp`)
  }
}
