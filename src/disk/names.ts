/** Names of the files in a store's folder: made from keys, and recognised. The paths are in layout.ts. */
import { createHash } from 'node:crypto'
import { SessionError } from '../base/errors.js'

export const LOG = '.jsonl'
export const SIDECAR = '.meta.json'
export const BLOBS = '.blobs'
const OWN_NAME = /^[a-z0-9][a-z0-9._-]{0,99}$/
const ENCODED_NAME = /^[a-z0-9-]{1,40}~[0-9a-f]{32}$/
/** No control characters, none that a system forbids or the names of our own files use, no dot or space at an end. */
const GIVEN_NAME = /^(?![-. ])[^\p{C}\p{Zl}\p{Zp}\ufffd\\/:*?"<>|~]+(?<![. ])$/u
const MAX_GIVEN_BYTES = 150
const RESERVED_ON_WINDOWS = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/
const TEMPORARY = /^\.(.+)\.[0-9a-f]{16}\.tmp$/
/** What Syncthing, and what Dropbox or Nextcloud call the loser of two changes to one log. */
const CONFLICT_COPY = /^(.+?)(?:\.sync-conflict-\d{8}-\d{6}(?:-[0-9a-z]{7})?| \([^()]*conflicted copy[^()]*\))+$/i
/** A sidecar that was not put into place; a number behind it: by a version before. */
const SIDECAR_TEMPORARY = /^(.+)\.meta\.json\.(?:[0-9a-f]{16}|\d+)$/

/**
 * Throws for what is no key.
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

/**
 * True for a name that our logs do not have, but those that people and other tools named: it is the key of its log. See
 * given-names.ts.
 */
export function isGivenName(name: string): boolean {
  if (Buffer.byteLength(name) > MAX_GIVEN_BYTES || isOwnName(name) || !GIVEN_NAME.test(name)) return false
  return name.normalize('NFC') === name && !RESERVED_ON_WINDOWS.test(name.toLowerCase()) && !CONFLICT_COPY.test(name)
}

/** True for a name that is the key itself: of all others the key stands in the log. */
export function isKeyName(name: string): boolean {
  return isOwnName(name) || isGivenName(name)
}

/** True where a log of this name can be that of this key. */
export function isNameOf(name: string, key: string): boolean {
  return nameOf(key) === name || (name === key && isGivenName(name))
}

/** The session name in the file name of a log; undefined for other files. */
export function nameOfLog(file: string): string | undefined {
  if (!file.endsWith(LOG)) return undefined
  return sessionName(file.slice(0, -LOG.length))
}

/** The session that a conflict copy of a synced log belongs to; undefined for all other files. */
export function nameOfConflictCopy(file: string): string | undefined {
  if (!file.endsWith(LOG)) return undefined
  return sessionName(CONFLICT_COPY.exec(file.slice(0, -LOG.length))?.[1])
}

/** `name` if it can be the name of a session: nothing else is ever locked, moved or removed. */
function sessionName(name: string | undefined): string | undefined {
  return name !== undefined && isSessionName(name) ? name : undefined
}

export function isSessionName(name: string): boolean {
  return isOwnName(name) || ENCODED_NAME.test(name) || isGivenName(name)
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
