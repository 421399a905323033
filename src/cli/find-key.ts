import type { SessionStore } from '../index.js'
import { escapeLine } from './terminal/escape.js'
import { complain } from './terminal/output.js'

const MOST_CANDIDATES = 10

/** The key of an existing session: itself, or the only key that begins with what was given. Else says why not. */
export async function findKey(store: SessionStore, given: string): Promise<string | null> {
  if ((await store.session(given).info()) !== null) return given
  const candidates = (await store.keys()).filter((key) => key.startsWith(given))
  if (candidates.length === 1) return candidates[0]!
  complain(candidates.length === 0 ? `no session ${escapeLine(given)}` : ambiguous(given, candidates))
  return null
}

/** Each once, in the order given; `missing` counts those that were not found. */
export async function findKeys(store: SessionStore, given: readonly string[]) {
  const found = new Set<string>()
  let missing = 0
  for (const one of given) {
    const key = await findKey(store, one)
    if (key === null) missing++
    else found.add(key)
  }
  return { keys: [...found], missing }
}

function ambiguous(given: string, candidates: readonly string[]): string {
  const shown = candidates.slice(0, MOST_CANDIDATES).map(escapeLine).join(', ')
  const rest = candidates.length > MOST_CANDIDATES ? ` and ${candidates.length - MOST_CANDIDATES} more` : ''
  return `${escapeLine(given)} is the beginning of ${candidates.length} keys: ${shown}${rest}`
}
