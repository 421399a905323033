/** Every name in a store's folder is made here, and keys are turned into names and back. */
import { createHash } from 'node:crypto'
import path from 'node:path'
import { SessionError } from '../base/errors.js'

const LOG = '.jsonl'
const SIDECAR = '.meta.json'
const BLOBS = '.blobs'
const OWN_NAME = /^[a-z0-9][a-z0-9._-]{0,99}$/
const ENCODED_NAME = /^[a-z0-9-]{1,40}~[0-9a-f]{32}$/
const RESERVED_ON_WINDOWS = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/
const TEMPORARY = /^\.(.+)\.[0-9a-f]{16}\.tmp$/
/** What Syncthing, and what Dropbox or Nextcloud call the loser of two changes to one log. */
const CONFLICT_COPY = /^(.+?)(?:\.sync-conflict-\d{8}-\d{6}(?:-[0-9a-z]{7})?| \([^()]*conflicted copy[^()]*\))+$/i
/** What write-file-atomic calls its temporary file: the target's name and a number. */
const SIDECAR_TEMPORARY = /^(.+)\.meta\.json\.\d+$/

/**
 * Refuses what is no key.
 * @throws TypeError for anything but a string
 * @throws SessionError ERR_INVALID_KEY for '' and for strings with a lone surrogate
 */
export function checkKey(key: unknown): asserts key is string {
  if (typeof key !== 'string') throw new TypeError('a session key must be a string')
  if (key === '' || /\p{Surrogate}/u.test(key)) {
    throw new SessionError('ERR_INVALID_KEY', 'a session key must be a non-empty, well-formed string', { key })
  }
}

/**
 * The file name (without ending) of a key. Plain keys are their own name, all others become a readable
 * slug and 128 bits of the key's hash, so that no two keys share a name on any file system.
 */
export function nameOf(key: string): string {
  if (isOwnName(key)) return key
  const slug = key
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 41)
    .replace(/^-|-$/g, '')
    .slice(0, 40)
  return `${slug.replace(/-$/, '') || 'key'}~${createHash('sha256').update(key).digest('hex').slice(0, 32)}`
}

/** True for a name that is its own key. */
export function isOwnName(name: string): boolean {
  if (!OWN_NAME.test(name) || name.endsWith('.') || RESERVED_ON_WINDOWS.test(name)) return false
  return !name.includes('.sync-conflict-') || !CONFLICT_COPY.test(name)
}

/** The session name that a log's file name stands for; undefined for every file that is no session's log. */
export function nameOfLog(file: string): string | undefined {
  if (!file.endsWith(LOG)) return undefined
  return sessionName(file.slice(0, -LOG.length))
}

/** The session that a conflict copy of a synced log belongs to; undefined for all other files. */
export function nameOfConflictCopy(file: string): string | undefined {
  if (!file.endsWith(LOG)) return undefined
  return sessionName(CONFLICT_COPY.exec(file.slice(0, -LOG.length))?.[1])
}

/** `name` if it can be the name of a session, so that nothing else is ever locked, moved or removed. */
function sessionName(name: string | undefined): string | undefined {
  return name !== undefined && isSessionName(name) ? name : undefined
}

export function isSessionName(name: string): boolean {
  return isOwnName(name) || ENCODED_NAME.test(name)
}

/** The session that a sidecar, a folder of blobs or a temporary file belongs to; undefined for other names. */
export function nameOfSidecar(file: string): string | undefined {
  return file.endsWith(SIDECAR) ? sessionName(file.slice(0, -SIDECAR.length)) : undefined
}

export function nameOfBlobs(file: string): string | undefined {
  return file.endsWith(BLOBS) ? sessionName(file.slice(0, -BLOBS.length)) : undefined
}

/** The log that a sidecar or a folder of blobs lies beside, and a log itself; undefined for other names. */
export function logBeside(file: string): string | undefined {
  if (file.endsWith(LOG)) return file
  const ending = file.endsWith(SIDECAR) ? SIDECAR : file.endsWith(BLOBS) ? BLOBS : undefined
  return ending && file.slice(0, -ending.length) + LOG
}

export function nameOfTemporary(file: string): string | undefined {
  if (file.endsWith(LOG) || file.endsWith(SIDECAR)) return undefined
  return sessionName(TEMPORARY.exec(file)?.[1] ?? SIDECAR_TEMPORARY.exec(file)?.[1])
}

/** The paths of one store. */
export class Layout {
  readonly locks: string
  readonly waiting: string
  readonly trash: string
  readonly quarantines: string
  readonly running: string
  /** Logs that an import is making. */
  readonly imports: string
  /** What can be made again from the logs, for searches and lists. */
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
    return path.join(this.index, 'search-1')
  }

  /** There while a turn runs in the session. */
  marker(name: string): string {
    return path.join(this.running, name)
  }

  /** The folder that is the session's lock while somebody holds its lease. */
  lock(name: string): string {
    if (!isSessionName(name)) throw new TypeError(`no name of a session: ${name}`)
    return path.join(this.locks, name)
  }

  /** A fresh temporary name beside a log; `nameOfTemporary` knows it again. */
  temporary(name: string, nonce: string): string {
    return path.join(this.root, `.${name}.${nonce}.tmp`)
  }
}
