/** What is wrong with an edited log, line by line. */
import { type LogLine, parseLog } from '../../index.js'

export interface Problem {
  /** Counted from 1. */
  line: number
  text: string
}

interface Raw extends LogLine {
  raw: string
}

/** Of the lines that were changed or added; a log of `before` may have bad lines of its own. */
export function problemsIn(before: Buffer, after: Buffer): Problem[] {
  const former = new Set(linesOf(before).map(({ raw }) => raw))
  const lines = linesOf(after)
  const problems = lines.flatMap((one) => {
    const text = former.has(one.raw) ? undefined : problemOf(one)
    return text === undefined ? [] : [{ line: one.line, text }]
  })
  const header = headerIn(before)
  if (header !== undefined && headerIn(after) !== header)
    problems.push({ line: 1, text: `the line of the session with the key ${JSON.stringify(header)} must stay` })
  return [...problems, ...repeatedIn(lines, former)].sort((a, b) => a.line - b.line)
}

/** Lines that were written or changed, and lines that are gone. */
export function changesIn(before: Buffer, after: Buffer): { written: number; gone: number } {
  const [old, now] = [before, after].map((bytes) => linesOf(bytes).map(({ raw }) => raw)) as [string[], string[]]
  const lacking = (lines: string[], others: string[]) => {
    const there = new Set(others)
    return lines.filter((raw) => !there.has(raw)).length
  }
  return { written: lacking(now, old), gone: lacking(old, now) }
}

function linesOf(bytes: Buffer): Raw[] {
  return parseLog(bytes)
    .filter(({ kind }) => kind !== 'blank')
    .map((line) => ({ ...line, raw: bytes.toString('latin1', line.offset, line.end).trim() }))
}

function problemOf({ kind, reason, message }: LogLine): string | undefined {
  if (kind === 'torn') return 'it ends in the middle'
  if (kind === 'damage') return reason
  if (kind === 'unknown') return 'its type is none that a log has'
  if (kind === 'message' && message === undefined) return 'a message needs a role that is text'
  return undefined
}

/** A line with the id of another one is not seen by any reader. */
function repeatedIn(lines: readonly Raw[], former: ReadonlySet<string>): Problem[] {
  const first = new Map<unknown, Raw>()
  const problems: Problem[] = []
  for (const one of lines) {
    if (!one.hasId) continue
    const id = one.value?.id
    const earlier = first.get(id)
    if (earlier === undefined) first.set(id, one)
    else if (!former.has(one.raw) || !former.has(earlier.raw))
      problems.push({ line: one.line, text: `it has the id of line ${earlier.line}: give it another one, or none` })
  }
  return problems
}

function headerIn(bytes: Buffer): string | undefined {
  const header = parseLog(bytes).find(({ kind }) => kind === 'session')
  return header === undefined ? undefined : String(header.value?.key)
}
