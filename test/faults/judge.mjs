/** What is wrong with an outcome, in words; undefined when it is the old state or the new one and all else holds. */
import { isDeepStrictEqual } from 'node:util'
import { isCrash } from './calls.mjs'

/**
 * `old` and `made`: what readers return before and after the operation without a fault; `result`: its result then.
 * `outcome`: { fault, code?, result?, isReported, found, lost, litter, leaked, violation? } with one fault. A reading
 * that could not read all returns the rest, and reports that.
 */
export function complaint(operation, { old, made, result }, outcome) {
  const { fault, code, found, lost, litter, leaked, violation } = outcome
  if (violation) return violation
  const isOld = isDeepStrictEqual(found, old)
  const isNew = isDeepStrictEqual(found, made)
  const isPart = operation.prefix && isCrash(fault) && isBetween(operation.prefix, found, old, made)
  const isCut = operation.fragment && isDeepStrictEqual(withoutDamage(found), withoutDamage(old))
  if (!isOld && !isNew && !isPart && !isCut) return `neither old nor new: ${difference(found, old, made)}`
  if (code !== undefined && !/^(E[A-Z_]+|UNKNOWN)$/.test(code)) return `an error without a code: ${code}`
  if (!isCrash(fault) && code === undefined && !operation.reports) {
    if (!isNew) return 'acknowledged, and not there'
    if (outcome.result !== result && !(operation.reads && outcome.isReported))
      return `a wrong answer: ${outcome.result} instead of ${result}`
  }
  const missing = lost.filter((bytes) => !(bytes === operation.destroys && isNew))
  if (missing.length > 0) return `bytes lost: ${missing}`
  if (litter.length > 0) return `left behind: ${litter}`
  if (leaked > 0) return `${leaked} descriptors left open`
  return undefined
}

/** Nothing is cut off a log: what a write that failed has left behind a torn tail is damage. */
function withoutDamage(state) {
  return { ...state, sessions: state.sessions.map((text) => text.replace(/"damaged":\d+/, '')) }
}

/** True when the session holds its old texts and the first of the added ones. */
function isBetween(key, found, old, made) {
  const texts = (state) =>
    state.sessions.map((text) => JSON.parse(text)).find((one) => one.key === key)?.SessionStore.texts
  const [now, before, after] = [found, old, made].map(texts)
  const same = before.findIndex((text, i) => text !== after[i])
  const added = after.slice(same === -1 ? before.length : same)
  return now.length >= before.length && isDeepStrictEqual(now, [...before, ...added].slice(0, now.length))
}

function difference(found, old, made) {
  const known = new Set([...old.sessions, ...made.sessions])
  const strange = found.sessions.filter((session) => !known.has(session))
  const gone = old.sessions.filter((session) => made.sessions.includes(session) && !found.sessions.includes(session))
  return JSON.stringify({ strange, gone, trash: found.trash })
}
