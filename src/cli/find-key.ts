import type { SessionStore } from '../index.js'
import { CommandFailure, EXIT } from './exit-code.js'
import { escapeLine } from './terminal/escape.js'
import { complain } from './terminal/output.js'

const MOST_CANDIDATES = 10
/** Stands for the session with the newest activity, unless a session has this key. */
const LATEST = 'latest'

/**
 * The key of an existing session: itself, the only key that begins with what was given, or that of the newest session
 * for `latest`. @throws CommandFailure
 */
export async function findKey(store: SessionStore, given: string): Promise<string> {
  if (given !== '' && (await store.session(given).exists())) return given
  if (given === LATEST) {
    const [newest] = await store.list({ limit: 1 })
    if (newest !== undefined) return newest.key
  }
  // however it was typed: composed or not
  const wanted = given.normalize('NFC')
  const candidates = (await store.keys()).filter((key) => key.normalize('NFC').startsWith(wanted))
  const same = candidates.filter((key) => key.normalize('NFC') === wanted)
  const [only] = same.length === 1 ? same : candidates
  if (only !== undefined && (same.length === 1 || candidates.length === 1)) return only
  if (candidates.length === 0) throw new CommandFailure(`no session ${escapeLine(given)}`, EXIT.notFound)
  throw new CommandFailure(ambiguous(given, candidates), EXIT.usage)
}

/** Each once, in the order given; `missing` counts the ones that were not found, which it reports. */
export async function findKeys(store: SessionStore, given: readonly string[]) {
  const found = new Set<string>()
  let missing = 0
  for (const one of given) {
    try {
      found.add(await findKey(store, one))
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error
      missing++
      complain(error.message)
    }
  }
  return { keys: [...found], missing }
}

function ambiguous(given: string, candidates: readonly string[]): string {
  const shown = candidates.slice(0, MOST_CANDIDATES).map(escapeLine).join(', ')
  const rest = candidates.length > MOST_CANDIDATES ? ` and ${candidates.length - MOST_CANDIDATES} more` : ''
  return `${escapeLine(given)} is the beginning of ${candidates.length} keys: ${shown}${rest}`
}
