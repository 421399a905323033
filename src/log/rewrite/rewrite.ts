/**
 * The shortest log that reads the same. A plan names only the ranges that change;
 * all other bytes are copied untouched.
 */
import { type Json, type JsonObject, jsonEqual } from '../../base/json.js'
import { LargeSet } from '../../base/large-map.js'
import { emptySummary, foldFacts, foldPiece, isCarryLine, timesOf } from '../fold.js'
import type { LineChange } from '../graph/vacuum.js'
import { isSupersedable, LastLines, type Setter } from '../last-lines.js'
import { isLine, type Line, namedIds, type Piece, type Range, type Usage } from '../line.js'
import { carriedRefs, type KnownRef, rememberedOf, withFormer } from '../refs.js'
import { addUsage, totalUsage } from '../usage.js'
import { isLive, knownId, REMOVABLE, timeIn, type Visibility } from '../visibility.js'
import { endedBy, refOf, type Waiting, waitingAfter } from '../waiting.js'
import { type Mending, NO_HEIRS, newFields } from './mended-line.js'

/** A range that is left out, left out and put into quarantine, or rewritten by `mendLine`. */
export interface Edit extends Range {
  action: 'drop' | 'aside' | 'mend'
}

export interface RewritePlan extends Mending {
  /** Rising, without overlap, neighbours of one kind joined (but for `mend`). */
  edits: Edit[]
  /** Facts that only the dropped lines have: the `set` of one more `meta` line at the end. */
  carry: JsonObject | null
  /** The time that line bears. */
  carryAt: string
}

/** Lines that are dropped although they are live, or get another text. */
export interface Choice {
  /** True for a live message that is dropped all the same. */
  purges?: (line: Line) => boolean
  /** What dropped messages answer does not wait again: an `answered` line takes their place. */
  keepsAnswers?: boolean
  /** True for a line that is taken over at all. */
  takes?: (line: Line) => boolean
  /** True for a line of another kind that is dropped although it counts. */
  drops?: (line: Line) => boolean
  /** Gives lines another text. */
  changes?: LineChange
  /** The new value of a message that gets another text, for the sums. */
  facts?: (line: Line) => JsonObject | undefined
  /** By when expired values are dropped, Unix milliseconds. */
  now?: number
  /** Only lines that set names or labels are dropped, where later ones supersede them; all else stays byte for byte. */
  tidies?: boolean
}

/** Second reading of a rewrite; the first one gave the visibility. */
export class RewritePlanner {
  readonly #visibility: Visibility
  readonly #fileTime: string
  readonly #edits: Edit[] = []
  readonly #blanks: Edit[] = []
  readonly #removals: Line[] = []
  readonly #compactions: Line[] = []
  readonly #carryLines: Line[] = []
  /** Lines that set names and labels, without their values: the ones in force, and the superseded ones. */
  readonly #setters = new Map<Setter, Line>()
  readonly #superseded: Line[] = []
  /** Where a tidying begins: a line before it is known by its place, or repeats one before. */
  #tidyFrom = 0
  readonly #lastLines = new LastLines()
  /** Ids and references of messages that stay and came from outside. */
  readonly #received = new Set<string>()
  readonly #refsLeft = new Set<string>()
  /** Those of them that wait at the line that came in last. */
  #waiting: readonly Waiting[] = []
  /** References of messages that purges take out, now and before. */
  readonly #refs: KnownRef[] = []
  readonly #formerRefs: KnownRef[] = []
  /** Of the removed ids, those whose lines are dropped. */
  readonly #found = new LargeSet()
  readonly #heirs = new Map<string, string | null>()
  readonly #answers = new Map<number, string>()
  /** The state of the log before. */
  readonly before = emptySummary()
  /** The sums of the lines that stay. Old carry lines do not: a new one has what is still needed. */
  readonly #after = emptySummary()
  readonly #choice: Required<Choice>
  #firstDated = Number.POSITIVE_INFINITY
  #survivor: string | null = null
  /** Number of live messages that are dropped because of `purges`. */
  purged = 0

  constructor(visibility: Visibility, fileTime: string, choice: Choice = {}) {
    this.#visibility = visibility
    this.#fileTime = fileTime
    this.#choice = { ...NO_CHOICE, ...choice }
  }

  /** Of the lines that stay, the messages that wait. */
  get waiting(): readonly Waiting[] {
    return this.#waiting
  }

  add(given: Piece): void {
    const value = isLine(given) ? this.#choice.facts(given) : undefined
    const piece = value === undefined ? given : ({ ...given, value } as Line)
    // usage that the new text names stands in for that of the old one; else that stays counted
    foldPiece(this.before, value?.usage === undefined ? given : piece, this.#visibility)
    if (this.#choice.tidies) this.#addTidily(piece)
    else if (isLine(piece)) this.#addLine(piece)
    else if (piece.kind === 'blank') this.#blanks.push(edit(piece, 'drop'))
    else this.#edit(piece, 'aside')
  }

  #addTidily(piece: Piece): void {
    if (!isLine(piece)) return
    const copy = this.#visibility.copies.get(piece.offset)
    const sets = piece.kind === 'value' || isSupersedable(piece)
    // a copy would set what it says if the line that it repeats went
    const needsFormer = copy === 'duplicate' ? sets : REMOVABLE.has(piece.kind) && (piece.bare || copy !== undefined)
    if (needsFormer) this.#tidyFrom = piece.end
    if (copy === 'duplicate') return
    if (sets) this.#set(piece)
    else this.#count(piece)
  }

  #addLine(line: Line): void {
    const change = this.#choice.changes(line)
    if (!this.#choice.takes(line) || this.#choice.drops(line) || change === null) {
      this.#edit(line, 'drop')
      return
    }
    const id = knownId(line, this.#visibility)
    const live = line.kind === 'unknown' || isLive(line, this.#visibility)
    if ((!live || line.kind !== 'message') && this.#visibility.removed.has(id)) this.#found.add(id)
    const purged = live && line.kind === 'message' && this.#choice.purges(line)
    if (purged) this.#purge(line, id)
    if (live && !purged) this.#keep(line, id)
    else {
      if (!purged || !this.#keepAnswer(line)) this.#edit(line, 'drop')
      const isCopy = this.#visibility.copies.get(line.offset) === 'duplicate'
      const mayBeNamed = line.kind === 'message' && !isCopy && this.#visibility.reaches.length > 0
      if (mayBeNamed) this.#heirs.set(id, this.#survivor)
    }
  }

  #purge(line: Line, id: string): void {
    this.purged++
    const ref = refOf(line)
    if (ref !== undefined && !this.#refsLeft.has(ref)) this.#refs.push([ref, id])
  }

  /** False for a line that answers nothing that stays. */
  #keepAnswer(line: Line): boolean {
    const ids = this.#choice.keepsAnswers ? endedBy(line).filter((id) => this.#received.has(id)) : []
    if (ids.length === 0) return false
    const value = { type: 'answered', ids, at: timeIn(line, this.#visibility, this.#fileTime) }
    const answered: Line = { ...line, kind: 'answered', at: value.at, value }
    this.#answers.set(line.offset, JSON.stringify(value))
    this.#edit(line, 'mend')
    this.#waiting = waitingAfter(this.#waiting, answered, this.#visibility)
    this.#count(answered)
    return true
  }

  /** Whether a line that sets a name or labels stays is known at the end only. */
  #set(line: Line): void {
    const facts = { ...line, value: line.kind === 'value' ? {} : { set: {} } }
    const setter = this.#lastLines.addNext(line, (superseded) => {
      this.#superseded.push(this.#setters.get(superseded) ?? facts)
      this.#setters.delete(superseded)
    })
    if (setter !== undefined && setter.left > 0) this.#setters.set(setter, facts)
  }

  #edit(range: Range, action: Edit['action']): void {
    push(this.#edits, edit(range, action))
  }

  /** A `remove` line goes with the last line that it names; where a compaction reaches is known at the end only. */
  #keep(line: Line, id: string): void {
    if (line.kind === 'remove') {
      if (this.#isDone(line)) this.#edit(line, 'drop')
      else this.#removals.push(line)
    } else if (isCarryLine(line)) {
      this.#carryLines.push(line)
      this.#formerRefs.push(...carriedRefs(line))
    } else if (line.kind === 'value' || isSupersedable(line)) this.#set(line)
    else if (line.kind === 'answered' && !this.#isNeeded(line)) this.#edit(line, 'drop')
    else {
      const ref = refOf(line)
      if (ref !== undefined) {
        this.#received.add(id)
        this.#refsLeft.add(ref)
      }
      this.#waiting = waitingAfter(this.#waiting, line, this.#visibility)
      const fields = newFields(line, this.#visibility, this.#fileTime, NO_HEIRS)
      if (line.kind === 'message') this.#survivor = id
      if (line.kind === 'compaction') this.#compactions.push(line)
      else if (Object.keys(fields).length > 0 || this.#choice.changes(line)) this.#edit(line, 'mend')
      this.#count('at' in fields ? { ...line, at: fields.at as string } : line)
    }
  }

  /** An `answered` line also fixes the place in a context of messages that waited then and are not named in it. */
  #isNeeded(line: Line): boolean {
    return this.#waiting.length > 0 || namedIds(line).some((named) => this.#received.has(named))
  }

  #isDone(removal: Line): boolean {
    return namedIds(removal).every((id) => this.#found.has(id))
  }

  #count(line: Line): void {
    foldFacts(this.#after, line)
    if (line.at === undefined || line.offset >= this.#firstDated) return
    this.#firstDated = line.offset
    this.#after.firstAt = line.at
  }

  /** The plan; null when there is nothing to take out, unless `always` is set. */
  plan(always = false): RewritePlan | null {
    for (const line of this.#removals) {
      if (this.#isDone(line)) this.#edit(line, 'drop')
      else this.#count(line)
    }
    // an expired value hides those of its name that a tidying leaves
    const mayHide = this.#tidyFrom > 0
    const over = [...this.#setters].filter(([setter, line]) => !mayHide && isOver(setter, line, this.#choice.now))
    const gone = [...this.#superseded, ...over.map(([, line]) => line)].filter(({ offset }) => offset >= this.#tidyFrom)
    for (const line of gone) this.#edit(line, 'drop')
    const isGone = new Set(gone)
    for (const line of [...this.#superseded, ...this.#setters.values()]) if (!isGone.has(line)) this.#count(line)
    if (!always && this.#edits.every(({ action }) => action === 'mend')) return null
    for (const line of this.#compactions) {
      const fields = newFields(line, this.#visibility, this.#fileTime, this.#heirs)
      if (Object.keys(fields).length > 0) this.#edit(line, 'mend')
    }
    return {
      edits: joined([...this.#edits, ...this.#blanks, ...this.#carryLines.map((line) => edit(line, 'drop'))]),
      carry: this.#carry(),
      carryAt: timesOf(this.before, this.#fileTime).updated,
      heirs: this.#heirs,
      answers: this.#answers,
      changes: this.#choice.changes,
    }
  }

  #carry(): JsonObject | null {
    const due = timesOf(this.before, this.#fileTime)
    const carry: JsonObject = {}
    const usage = usageBeyond(totalUsage(this.before), this.#after.usage)
    if (!jsonEqual(usage, usageBeyond(this.#after.carriedUsage, new Map()))) carry.carriedUsage = usage
    // the file's time is another one afterwards: what it stood in for must be written down
    if (timesOf(this.#after, '').created !== due.created) carry.createdAt = due.created
    const left = timesOf({ ...this.#after, labels: { ...this.#after.labels, ...carry } }, '')
    if (left.active !== due.active) carry.lastActivity = due.active
    const refs = rememberedOf(withFormer(this.#formerRefs, this.#refs), due.updated)
    if (refs.length > 0) carry.carriedRefs = refs
    return left.updated === due.updated && Object.keys(carry).length === 0 ? null : carry
  }
}

const NO_CHOICE: Required<Choice> = {
  purges: () => false,
  keepsAnswers: false,
  takes: () => true,
  drops: () => false,
  changes: () => undefined,
  facts: () => undefined,
  now: Number.NEGATIVE_INFINITY,
  tidies: false,
}
/** How long the deletion of a name stays, so that a merge with an older copy does not bring its value back, ms. */
const DELETION_MS = 30 * 24 * 60 * 60 * 1000

/** True for a value that has expired, and for a deletion that is not needed any more. */
function isOver({ expires }: Setter, { at }: Line, now: number): boolean {
  if (expires !== Number.NEGATIVE_INFINITY) return expires <= now
  return at === undefined || Date.parse(at) <= now - DELETION_MS
}

function edit({ offset, end }: Range, action: Edit['action']): Edit {
  return { offset, end, action }
}

function joined(edits: Edit[]): Edit[] {
  const rising = edits.sort((a, b) => a.offset - b.offset)
  const result: Edit[] = []
  for (const next of rising) push(result, next)
  return result
}

function push(edits: Edit[], next: Edit): void {
  const last = edits.at(-1)
  if (last && last.end === next.offset && last.action === next.action && next.action !== 'mend') last.end = next.end
  else edits.push(next)
}

/** Counters of `total` that are not in `part`, without rows of zeros. */
export function usageBeyond(total: ReadonlyMap<string, Usage>, part: ReadonlyMap<string, Usage>): JsonObject {
  const rest = new Map(total)
  for (const [agent, usage] of part) addUsage(rest, agent, usage, -1)
  const rows = [...rest].filter(([, usage]) => Object.values(usage).some((count) => count !== 0))
  return Object.fromEntries(rows) as unknown as Json as JsonObject
}
