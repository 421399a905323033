/** A rewrite in memory, as `disk/` makes it on files. */

import { isLine, type Piece } from '../../src/log/line.js'
import { parseLines } from '../../src/log/parse.js'
import { mendLine } from '../../src/log/rewrite/mended-line.js'
import { type RewritePlan, RewritePlanner } from '../../src/log/rewrite/rewrite.js'
import { metaLine } from '../../src/log/serialize.js'
import { reachOver, type Visibility, visibilityOf } from '../../src/log/visibility.js'
import { READ_AT } from './reading.js'

/** With `purge`, archived messages go too; with `tidies`, only lines that set what later ones set. */
export function planOf(bytes: Buffer, fileTime: string, { purge = false, tidies = false } = {}): RewritePlan | null {
  const pieces = parseLines(bytes)
  const visibility = visibilityOf(pieces)
  const planner = new RewritePlanner(visibility, fileTime, {
    purges: (line) => purge && reachOver(line, visibility) !== undefined,
    keepsAnswers: purge,
    now: READ_AT,
    tidies,
  })
  for (const piece of pieces) planner.add(piece)
  return planner.plan()
}

/** The rewritten log, or null when there is nothing to take out. */
export function rewrite(bytes: Buffer, fileTime: string, nextId: () => string): Buffer | null {
  const plan = planOf(bytes, fileTime)
  return plan && applyPlan(bytes, plan, visibilityOf(parseLines(bytes)), fileTime, nextId)
}

export function applyPlan(
  bytes: Buffer,
  plan: RewritePlan,
  visibility: Visibility,
  fileTime: string,
  nextId: () => string,
): Buffer {
  const parts: Buffer[] = []
  let copied = 0
  for (const { offset, end, action } of plan.edits) {
    parts.push(bytes.subarray(copied, offset))
    if (action === 'mend') parts.push(Buffer.from(`${mended(bytes, offset, end, plan, visibility, fileTime)}\n`))
    copied = end
  }
  parts.push(bytes.subarray(copied))
  const kept = Buffer.concat(parts)
  const feed = kept.length > 0 && kept.at(-1) !== 0x0a ? '\n' : ''
  const carried = plan.carry === null ? '' : metaLine({ id: nextId(), at: plan.carryAt }, plan.carry)
  return Buffer.concat([kept, Buffer.from(feed + carried)])
}

function mended(
  bytes: Buffer,
  offset: number,
  end: number,
  plan: RewritePlan,
  visibility: Visibility,
  fileTime: string,
): string {
  const raw = bytes.subarray(offset, end)
  const [line] = parseLines(raw, offset) as [Piece]
  if (!isLine(line)) throw new Error('only a line can be mended')
  return mendLine(raw.toString(), line, plan, visibility, fileTime)
}
