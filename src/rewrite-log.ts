/** Rewriting one log: plan under the lease, set aside what cannot be read, put the new file in place. */

import { surveyLog } from './catch-up.js'
import { checkVersion } from './decision.js'
import { look, readSync, sameFile } from './disk/files.js'
import { LogReader } from './disk/log-reader.js'
import { setAside } from './disk/quarantine.js'
import { type Part, replaceLog } from './disk/replace.js'
import { SessionError } from './errors.js'
import { emptySummary, foldPiece, type Summary } from './log/fold.js'
import { metaLine } from './log/format.js'
import { isLine, type Line, type Piece } from './log/line.js'
import { parseLines } from './log/parse.js'
import { mendLine, type RewritePlan, RewritePlanner } from './log/rewrite.js'
import type { Survey } from './log/survey.js'
import type { SessionLog } from './session-log.js'

export interface RewriteResult {
  /** By how much the log became shorter, bytes; negative when written-down ids and times made it longer. */
  dropped: number
  /** Messages that were purged. */
  purged: number
  /** Stretches of unreadable bytes that went to quarantine. */
  quarantined: number
}

type Purges = (line: Line, survey: Survey) => boolean

/** How often a rewrite starts over when the log is replaced meanwhile. */
const MAX_ATTEMPTS = 5

interface Reading {
  reader: LogReader
  survey: Survey
  plan: RewritePlan
  summary: Summary
  purged: number
  open: boolean
}

/** With `purges`, live messages go too of which it says so; a log without such messages is not touched then. */
export async function rewriteLog(log: SessionLog, purges?: Purges): Promise<RewriteResult | null> {
  if (!log.exists()) return null
  return log.hold(async () => {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const outcome = await rewriteOnce(log, purges)
      if (outcome !== 'replaced') return outcome
    }
    throw new SessionError('ERR_LOCKED', 'another program keeps replacing the log', { file: log.file.path })
  })
}

async function rewriteOnce(log: SessionLog, purges?: Purges): Promise<RewriteResult | null | 'replaced'> {
  const reader = LogReader.open(log.file.path)
  if (reader === undefined) return null
  try {
    const reading = await planRewrite(reader, purges)
    return reading === null ? null : await carryOut(log, reading)
  } finally {
    reader.close()
  }
}

async function planRewrite(reader: LogReader, purges?: Purges): Promise<Reading | null> {
  const survey = await surveyLog(reader)
  const planner = new RewritePlanner(survey, reader.fileTime, purges && ((line) => purges(line, survey)))
  const summary = emptySummary()
  let last: Piece | undefined
  for await (const pieces of reader.blocks()) {
    for (const piece of pieces) {
      planner.add(piece)
      foldPiece(summary, piece, survey)
    }
    last = pieces.at(-1) ?? last
  }
  if (purges !== undefined && planner.purged === 0) return null
  const plan = planner.plan()
  return (
    plan && {
      reader,
      survey,
      plan,
      summary,
      purged: planner.purged,
      open: last !== undefined && isLine(last) && last.open,
    }
  )
}

async function carryOut(log: SessionLog, reading: Reading): Promise<RewriteResult | 'replaced'> {
  const { reader, plan, summary, purged } = reading
  const file = log.file.path
  checkVersion(summary, file)
  const { layout, clock } = log.context
  const aside = plan.edits.filter(({ action }) => action === 'aside')
  await setAside(layout.quarantine(log.name), reader.fd, aside)
  const carry = plan.carry && metaLine({ id: clock.id(summary.maxId), at: plan.carryAt }, plan.carry)
  let replaced = false
  try {
    const size = await replaceLog({
      file,
      temporary: (nonce) => layout.temporary(log.name, nonce),
      from: reader.fd,
      size: reader.size,
      parts: partsOf(reading, carry),
      before: () => {
        log.checkLease()
        const now = look(file)
        replaced = now === undefined || now === 'other' || !sameFile(now, reader.stat) || now.size < reader.size
        if (replaced) throw new Error('the log was replaced')
      },
    })
    log.context.noteBehind(log)
    return { dropped: reader.size - size, purged, quarantined: aside.length }
  } catch (error) {
    if (replaced) return 'replaced'
    throw error
  } finally {
    log.forget()
  }
}

/** The new log: stretches of the old one, mended lines, and what was carried over. */
function* partsOf({ reader, survey, plan, open }: Reading, carry: string | null): Generator<Part> {
  let position = 0
  for (const { offset, end, action } of plan.edits) {
    if (offset > position) yield { offset: position, end: offset }
    if (action === 'mend') yield mended(reader, offset, end, survey, plan)
    position = end
  }
  if (position < reader.size) {
    yield { offset: position, end: reader.size }
    if (open) yield Buffer.from('\n')
  }
  if (carry !== null) yield Buffer.from(carry)
}

function mended(reader: LogReader, offset: number, end: number, survey: Survey, plan: RewritePlan): Buffer {
  const bytes = readSync(reader.fd, offset, end - offset)
  const [line] = parseLines(bytes, offset)
  if (line === undefined || !isLine(line))
    throw Object.assign(new Error('the log changed under the rewrite'), { code: 'EIO' })
  return Buffer.from(`${mendLine(bytes.toString(), line, plan, survey, reader.fileTime)}\n`)
}
