/** The messages that wait for an answer: they came from outside, and no later line names them as answered. */
import { isIdList, type Line, namedIds } from './line.js'
import { isChat } from './parse.js'
import { isLive, knownId, type Visibility } from './visibility.js'

/** A message that waits: the id of its line, and the reference under which it came. */
export interface Waiting {
  id: string
  ref: string
}

/** The reference under which a message came from outside; undefined for any other line. */
export function refOf(line: Line): string | undefined {
  const { received } = line.value
  return typeof received === 'string' && isChat(line) ? received : undefined
}

/** True for a line with which messages stop waiting. */
export function isEnding(line: Line): boolean {
  return line.kind === 'answered' || (isIdList(line.value.answers) && isChat(line))
}

/** Ids of the messages that stop waiting with this line. */
export function endedBy(line: Line): readonly string[] {
  if (line.kind === 'answered') return namedIds(line)
  return isEnding(line) ? (line.value.answers as string[]) : []
}

/** What waits once this line is added: in line order. An ending means lines before it. */
export function waitingAfter(waiting: readonly Waiting[], line: Line, visibility: Visibility): readonly Waiting[] {
  if (line.kind === 'remove') return without(waiting, namedIds(line))
  const { received, answers } = line.value
  if (received === undefined && answers === undefined && line.kind !== 'answered') return waiting
  if (!isLive(line, visibility)) return waiting
  const left = without(waiting, endedBy(line))
  const ref = refOf(line)
  return ref === undefined ? left : [...left, { id: knownId(line, visibility), ref }]
}

function without(waiting: readonly Waiting[], ids: readonly string[]): readonly Waiting[] {
  if (waiting.length === 0 || ids.length === 0) return waiting
  const gone = new Set(ids)
  return waiting.filter(({ id }) => !gone.has(id))
}

/** Of lines that wait under one reference the first: what a turn is given. */
export function firstOfEach(waiting: readonly Waiting[]): Waiting[] {
  const refs = new Set<string>()
  return waiting.filter(({ ref }) => !refs.has(ref) && refs.add(ref))
}
