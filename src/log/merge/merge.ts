/**
 * The three-way merge of logs: the lines of both sides once, in one order, without what either side took out since
 * their common ancestor. The same bytes on either side. FORMAT.md, "Merging", has the rules.
 */
import { SessionError } from '../../base/errors.js'
import type { JsonObject } from '../../base/json.js'
import { FORMAT_VERSION, type Line } from '../line.js'
import { withFields } from '../rewrite/mended-line.js'
import { metaLine } from '../serialize.js'
import { keptBy } from '../visibility.js'
import { reviveNodes, tombstoneFor } from './graph.js'
import { compare, type Place, weave } from './order.js'
import { essenceOf, givenId, type Item, isNamed, isRemoved, type Side, type Sides, sidesOf } from './side.js'
import { carriedAfter } from './usage.js'

export interface Merged {
  bytes: Buffer
  report: MergeReport
}

export interface MergeReport {
  /** Lines of the merged log that only the one or only the other side had. */
  onlyOurs: number
  onlyTheirs: number
  /** Ids under which the two sides say different things: both lines are kept. */
  contradictions: string[]
  /** Unreadable lines of the merged log. */
  unreadable: number
}

/** A line of the merged log. */
export interface Kept extends Place {
  /** The version that was chosen. */
  item: Item
  /** Where it stands in the one and in the other log. */
  ours: Item | undefined
  theirs: Item | undefined
  /** What is written into it. */
  fields: JsonObject
}

/**
 * Merges the bytes of two logs that come from `base`, which is empty when there is no common ancestor: then nothing
 * counts as taken out. The result is the same whichever is called ours. For drivers of version control; a store takes
 * other copies by `Session.merge`.
 * @throws SessionError ERR_VERSION_UNSUPPORTED when a log is of a newer format
 * @example
 * const { bytes, report } = mergeLogs(Buffer.alloc(0), Buffer.alloc(0), Buffer.from('{"role":"user","content":"hi"}\n'))
 * report.onlyTheirs // 1
 */
export function mergeLogs(base: Buffer, ours: Buffer, theirs: Buffer): Merged {
  const unchanged = unchangedOf(base, ours, theirs)
  if (unchanged !== undefined) return { bytes: unchanged, report: differenceOf(ours, theirs, unchanged) }
  const { sides, revived } = reviveNodes(readSides(base, ours, theirs))
  const choice = new Choice(sides)
  const lines = weave(choice.linesOf('ours'), choice.linesOf('theirs'))
  moveThroughs(sides, choice, lines)
  keepUnseen(sides, lines)
  const tombstone = tombstoneFor(revived, lines)
  const bytes = Buffer.concat([joined(lines.map(textOf)), Buffer.from(tombstone ?? '')])
  const carry = carriedAfter(sides, bytes, choice.dropped)
  const carried = carry === null ? bytes : Buffer.concat([bytes, Buffer.from(metaLine(carry.stamp, carry.set))])
  return { bytes: carried, report: reportOf(lines, choice.contradictions) }
}

/** The report about a log that only one side changed, and that was taken unchanged. */
function differenceOf(ours: Buffer, theirs: Buffer, taken: Buffer): MergeReport {
  const [x, y] = sidesOf([ours, theirs]) as [Side, Side]
  const { items } = taken === ours ? x : y
  const onlyIn = (side: Side, other: Side) => side.items.filter(({ key }) => !other.byKey.has(key)).length
  return { onlyOurs: onlyIn(x, y), onlyTheirs: onlyIn(y, x), contradictions: [], unreadable: unreadableIn(items) }
}

function readSides(...logs: [Buffer, Buffer, Buffer]): Sides {
  const [base, ours, theirs] = sidesOf(logs) as [Side, Side, Side]
  const version = Math.max(...[base, ours, theirs].map(({ summary }) => summary.version))
  if (version <= FORMAT_VERSION) return { base, ours, theirs }
  throw new SessionError('ERR_VERSION_UNSUPPORTED', `a log of format version ${version} cannot be merged`, {
    version,
    supported: FORMAT_VERSION,
  })
}

/** The log of the only side that changed anything. */
function unchangedOf(base: Buffer, ours: Buffer, theirs: Buffer): Buffer | undefined {
  if (ours.equals(theirs) || theirs.equals(base)) return ours
  return ours.equals(base) ? theirs : undefined
}

/** Which lines stay, and in which version. */
class Choice {
  readonly #sides: Sides
  readonly #kept = { ours: new Map<Item, Kept>(), theirs: new Map<Item, Kept>() }
  readonly contradictions: string[] = []
  /** Lines that one side had and that are left out, although neither side removed them. */
  readonly dropped: Item[] = []

  constructor(sides: Sides) {
    this.#sides = sides
    const { ours, theirs } = sides
    for (const key of new Set([...ours.byKey.keys(), ...theirs.byKey.keys()])) {
      const [x, y] = [ours.byKey.get(key), theirs.byKey.get(key)]
      if (!this.#isTakenOut(key, x, y)) this.#choose(key, x, y)
    }
  }

  /** The lines of one side that stay, in its order. */
  linesOf(side: 'ours' | 'theirs'): Kept[] {
    return this.#sides[side].items.flatMap((item) => this.#kept[side].get(item) ?? [])
  }

  keptOf(side: 'ours' | 'theirs', item: Item): Kept | undefined {
    return this.#kept[side].get(item)
  }

  #isTakenOut(key: string, x: Item | undefined, y: Item | undefined): boolean {
    const { base, ours, theirs } = this.#sides
    const { id, piece, raw } = (x ?? y) as Item
    const isThere = (side: Side) => side.byKey.has(key) || (isNamed(piece) && side.ids.has(key))
    if (base.byKey.has(key) && !(isThere(ours) && isThere(theirs))) return true
    if (id !== '' && id !== key && base.ids.has(id) && !(ours.ids.has(id) && theirs.ids.has(id))) return true
    return piece.kind === 'torn' && [ours, theirs].some(({ items }) => items.some((item) => isBeginning(raw, item.raw)))
  }

  #choose(key: string, x: Item | undefined, y: Item | undefined): void {
    if (x === undefined || y === undefined) {
      this.#keep((x ?? y) as Item, x, y)
      return
    }
    const version = versionOf(x, y, this.#sides.base.byKey.get(key))
    if (version !== undefined) this.#keep(version, x, y)
    else this.#keepBoth(x, y)
  }

  #keep(item: Item, ours: Item | undefined, theirs: Item | undefined, id = item.id): void {
    const there = [ours, theirs].filter((each) => each !== undefined)
    const times = there.map(({ time }) => time).sort()
    const rank = Math.min(...there.map((each) => each.rank))
    const fields: JsonObject = isNamed(item.piece) && item.piece.value.id !== id ? { id } : {}
    const kept: Kept = { item, ours, theirs, id, fields, rank, time: times[0] ?? '', dated: item.dated, raw: item.raw }
    if (ours !== undefined) this.#kept.ours.set(ours, kept)
    if (theirs !== undefined) this.#kept.theirs.set(theirs, kept)
  }

  /** The one that its own side removed keeps the id, so that the `remove` line still names it. */
  #keepBoth(x: Item, y: Item): void {
    const { ours, theirs } = this.#sides
    this.contradictions.push(x.id)
    const removed = [isRemoved(x, ours), isRemoved(y, theirs)]
    const oursFirst = removed[0] === removed[1] ? compare(x, y) < 0 : removed[0]
    const second = oursFirst ? y : x
    const id = givenId(second.id, second.piece as Line)
    if (removed[0] && removed[1]) {
      this.dropped.push(second)
      if (oursFirst) this.#keep(x, x, undefined)
      else this.#keep(y, undefined, y)
      return
    }
    this.#keep(x, x, undefined, oursFirst ? x.id : id)
    this.#keep(y, undefined, y, oursFirst ? id : y.id)
  }
}

function isBeginning(torn: Buffer, raw: Buffer): boolean {
  return raw.length > torn.length && raw.subarray(0, torn.length).equals(torn)
}

/** The version that counts: the changed one, or the one that has more written into it; undefined for two changes. */
function versionOf(x: Item, y: Item, base: Item | undefined): Item | undefined {
  if (x.raw.equals(y.raw)) return x
  const [ofX, ofY] = [meaningOf(x), meaningOf(y)]
  if (ofX !== ofY) {
    const former = base && meaningOf(base)
    return former === ofX ? y : former === ofY ? x : undefined
  }
  if (base?.raw.equals(x.raw)) return y
  if (base?.raw.equals(y.raw)) return x
  return byFullness(x, y) <= 0 ? x : y
}

/** Lines of one key that are not known by their id alone say the same. */
function meaningOf({ piece }: Item): string {
  return isNamed(piece) ? essenceOf(piece) : ''
}

function byFullness(x: Item, y: Item): number {
  const lacks = ({ piece }: Item) => (isNamed(piece) && piece.bare ? 1 : 0)
  if (lacks(x) !== lacks(y)) return lacks(x) - lacks(y)
  if (x.dated !== y.dated) return x.dated ? -1 : 1
  if (x.dated && x.time !== y.time) return x.time < y.time ? -1 : 1
  return x.raw.length - y.raw.length || Buffer.compare(x.raw, y.raw)
}

/** A compaction whose last message the other side took out ends at the nearest one before it that is still there. */
function moveThroughs(sides: Sides, choice: Choice, lines: readonly Kept[]): void {
  if (!lines.some(({ item }) => item.piece.kind === 'compaction')) return
  const places = new Map(lines.map((line, place) => [line, place]))
  const placeOf = (line: Kept | undefined) => (line === undefined ? -1 : (places.get(line) as number))
  const heirIn = (side: 'ours' | 'theirs', item: Item | undefined): Kept | null | undefined => {
    const through = item === undefined ? null : throughOf(item)
    const target = typeof through === 'string' ? sides[side].byKey.get(through) : undefined
    if (target?.piece.kind !== 'message') return undefined
    const { items } = sides[side]
    for (let i = items.indexOf(target); i >= 0; i--) {
      const kept = choice.keptOf(side, items[i] as Item)
      if (kept?.item.piece.kind === 'message') return kept
    }
    return null
  }
  for (const line of lines) {
    if (line.item.piece.kind !== 'compaction') continue
    const former = sides.base.byKey.get(line.item.key)
    const changed = [line.ours, line.theirs].map((item) => former && item && throughOf(item) === throughOf(former))
    const heirs = [heirIn('ours', line.ours), heirIn('theirs', line.theirs)]
    const asked = heirs.filter((_, i) => !changed[i])
    const known = (asked.length > 0 && asked.some((heir) => heir !== undefined) ? asked : heirs).filter(
      (heir) => heir !== undefined,
    )
    if (known.length === 0) continue
    const [furthest] = known.sort((a, b) => placeOf(b ?? undefined) - placeOf(a ?? undefined))
    const through = furthest?.id ?? null
    if (through !== throughOf(line.item)) line.fields.through = through
  }
}

/** A summary stands for what it has seen: what came before its last message from the other side stays active. */
function keepUnseen({ ours, theirs }: Sides, lines: readonly Kept[]): void {
  // else the order of the lines sees to it
  if (![ours, theirs].some(({ visibility }) => visibility.reaches.some(({ keep }) => keep.size > 0))) return
  for (const line of lines) {
    if (line.item.piece.kind !== 'compaction') continue
    const through = line.fields.through ?? throughOf(line.item)
    const end = lines.findIndex(({ id, item }) => id === through && item.piece.kind === 'message')
    const before = lines.slice(0, end + 1).filter(({ item }) => item.piece.kind === 'message')
    const unseen = before.filter(
      (each) => !covers(ours, line.ours, each.ours) && !covers(theirs, line.theirs, each.theirs),
    )
    const kept = keptBy(line.item.piece)
    if (unseen.some(({ id }) => !kept.has(id))) line.fields.keep = unseen.map(({ id }) => id)
  }
}

/** Whether a compaction of one side covers a message of that side. */
function covers(side: Side, compaction: Item | undefined, message: Item | undefined): boolean {
  if (compaction === undefined || message === undefined) return false
  const through = side.byKey.get(String(throughOf(compaction)))
  const isBefore = through !== undefined && message.piece.offset <= through.piece.offset
  return isBefore && !keptBy(compaction.piece as Line).has(message.id)
}

function throughOf({ piece }: Item) {
  return (piece as Line).value.through
}

function textOf({ item, fields }: Kept): Buffer {
  if (Object.keys(fields).length === 0) return item.raw
  return Buffer.from(withFields(item.raw.toString(), item.piece as Line, fields))
}

function joined(texts: readonly Buffer[]): Buffer {
  const feed = Buffer.from('\n')
  return Buffer.concat(texts.flatMap((text) => [text, feed]))
}

function reportOf(lines: readonly Kept[], contradictions: string[]): MergeReport {
  return {
    onlyOurs: lines.filter(({ theirs }) => theirs === undefined).length,
    onlyTheirs: lines.filter(({ ours }) => ours === undefined).length,
    contradictions: [...contradictions].sort(),
    unreadable: unreadableIn(lines.map(({ item }) => item)),
  }
}

function unreadableIn(items: readonly Item[]): number {
  return items.filter(({ piece }) => piece.kind === 'damage' || piece.kind === 'torn').length
}
