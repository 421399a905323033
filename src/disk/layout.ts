/** The paths of one store. */
import path from 'node:path'
import { BLOBS, isSessionName, LOG, SIDECAR } from './names.js'

export class Layout {
  readonly locks: string
  readonly waiting: string
  /** Locks of programs, a file each. */
  readonly tokens: string
  /** New files of rewrites, second links to the logs that are about to lose their name, and logs that are being deleted. */
  readonly rewrites: string
  /** Second links to logs that are held. */
  readonly holds: string
  /** See `keepReserve`. */
  readonly reserve: string
  readonly trash: string
  readonly quarantines: string
  readonly running: string
  /** Logs that an import is making. */
  readonly imports: string
  /** Derived files for searches and lists; can be deleted. */
  readonly index: string
  readonly #prefix: string

  /** With `isGroup`, the group of the folder may read it, logs and blobs. */
  constructor(
    readonly root: string,
    readonly isGroup = false,
  ) {
    // names of sessions need no normalising, and lists make many paths
    this.#prefix = path.join(root, path.sep)
    this.locks = path.join(root, '.locks')
    this.waiting = path.join(this.locks, '.waiting')
    this.tokens = path.join(this.locks, '.tokens')
    this.rewrites = path.join(this.locks, '.rewrites')
    this.holds = path.join(this.locks, '.holds')
    this.reserve = path.join(this.locks, '.reserve')
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
    return path.join(this.index, 'search-3')
  }

  /** The folder that is the session's lock while a process holds its lease. */
  lock(name: string): string {
    if (!isSessionName(name)) throw new TypeError(`no name of a session: ${name}`)
    return `${this.locks}${path.sep}${name}`
  }

  /** The new file of a rewrite, until it takes the log's place. */
  rewriting(name: string, nonce: string): string {
    return path.join(this.rewrites, `${name}~${nonce}.tmp`)
  }

  /** The second link to a log that a rewrite or a move takes the name from; it was copied up to `size` bytes. */
  former(name: string, nonce: string, size: number): string {
    return path.join(this.rewrites, `${name}~${nonce}~${size}`)
  }

  /** The log of a session that is being deleted. */
  deleted(name: string, nonce: string): string {
    return path.join(this.rewrites, `${name}~${nonce}.deleted`)
  }

  /** The second link to a log that is held. */
  held(name: string): string {
    return path.join(this.holds, name)
  }

  /** The folder of one life of a session in the trash. */
  trashed(name: string, id: string): string {
    return path.join(this.trash, `${name}~${id}`)
  }

  /** A fresh temporary name beside a log, which `nameOfTemporary` recognises. */
  temporary(name: string, nonce: string): string {
    return path.join(this.root, `.${name}.${nonce}.tmp`)
  }
}
