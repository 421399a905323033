/** What must be carried over after a merge, so that nothing that was ever counted is lost or counted twice. */

import { derivedId } from '../../base/ids.js'
import { canonical, isObject, type JsonObject, jsonEqual } from '../../base/json.js'
import { foldAll, type Summary } from '../fold.js'
import type { Usage } from '../line.js'
import { isChat, isoTime, parseLines } from '../parse.js'
import type { Stamp } from '../serialize.js'
import { addUsage, countersOf } from '../usage.js'
import { visibilityOf } from '../visibility.js'
import { carriesUsage, type Item, type Side, type Sides } from './side.js'

type Sums = Map<string, Usage>

/**
 * What a last line of the merged log `bytes` must set; null when it says so already. `dropped` are lines that the
 * merge itself left out. The line is the same on either side.
 */
export function carriedAfter(
  sides: Sides,
  bytes: Buffer,
  dropped: readonly Item[],
): { stamp: Stamp; set: JsonObject } | null {
  const { ours, theirs } = sides
  const created = createdIn(sides)
  const isCarried = [ours, theirs].some(({ summary }) => summary.carriedUsage.size > 0)
  if (!isCarried && created === undefined && dropped.length === 0) return null
  const merged = summaryOf(bytes)
  const wanted = carriedUsage(sides)
  for (const [agent, usage] of usageOf(dropped)) addUsage(wanted, agent, usage, 1)
  const set: JsonObject = {}
  if (!jsonEqual(rowsOf(wanted), rowsOf(merged.carriedUsage))) set.carriedUsage = rowsOf(wanted)
  if (created !== undefined && merged.labels.createdAt !== created) set.createdAt = created
  if (Object.keys(set).length === 0) return null
  const seed = canonical([set, ...[...carriesIn(ours), ...carriesIn(theirs)].sort()])
  return { stamp: { id: derivedId(merged.maxId, seed), at: merged.lastAt ?? isoTime(0) }, set }
}

function summaryOf(bytes: Buffer): Summary {
  const pieces = parseLines(bytes)
  return foldAll(pieces, visibilityOf(pieces))
}

function carriedUsage({ base, ours, theirs }: Sides): Sums {
  const [former, x, y] = [lastCarry(base), lastCarry(ours), lastCarry(theirs)]
  const [ofOurs, ofTheirs] = [new Map(ours.summary.carriedUsage), new Map(theirs.summary.carriedUsage)]
  // a side that has the other's last line of that kind has all that it says
  if (x === y || (y !== undefined && ours.byKey.has(y))) return ofOurs
  if (x !== undefined && theirs.byKey.has(x)) return ofTheirs
  if (base.items.length === 0) return withoutBase(ours, theirs)
  if (y === former) return ofOurs
  if (x === former) return ofTheirs
  const sums = sum([ofOurs, ofTheirs])
  for (const [agent, usage] of base.summary.carriedUsage) addUsage(sums, agent, usage, -1)
  // what both took out, both carry
  const gone = base.items.filter(({ key }) => !ours.byKey.has(key) && !theirs.byKey.has(key))
  for (const [agent, usage] of usageOf(gone)) addUsage(sums, agent, usage, -1)
  return greatest([sums, ofOurs, ofTheirs])
}

/**
 * Without an ancestor nothing shows which lines of the one side the other took out and carries. Two logs that share
 * nothing have nothing in common; else no total becomes smaller than that of either side.
 */
function withoutBase(ours: Side, theirs: Side): Sums {
  const carried = [ours, theirs].map(({ summary }) => new Map(summary.carriedUsage))
  if (!ours.items.some(({ key, id }) => id !== '' && theirs.byKey.has(key))) return sum(carried)
  const others = [
    theirs.items.filter(({ key }) => !ours.byKey.has(key)),
    ours.items.filter(({ key }) => !theirs.byKey.has(key)),
  ]
  const left = carried.map((sums, i) => {
    for (const [agent, usage] of usageOf(others[i] as Item[])) addUsage(sums, agent, usage, -1)
    return sums
  })
  return greatest([new Map(), ...left])
}

function carriesIn({ items }: Side): string[] {
  return items.filter(carriesUsage).map(({ key }) => key)
}

function lastCarry(side: Side): string | undefined {
  return carriesIn(side).at(-1)
}

/** Usage of the messages among these lines, by agent: as the fold counts it. */
function usageOf(items: readonly Item[]): Sums {
  const sums: Sums = new Map()
  for (const { piece } of items) {
    if (piece.kind !== 'message' || !isChat(piece)) continue
    const { usage, agent } = piece.value
    if (!isObject(usage)) continue
    addUsage(sums, typeof agent === 'string' ? agent : 'main', { ...countersOf(usage), apiCalls: 1 }, 1)
  }
  return sums
}

function sum(parts: readonly Sums[]): Sums {
  const sums: Sums = new Map()
  for (const part of parts) for (const [agent, usage] of part) addUsage(sums, agent, usage, 1)
  return sums
}

/** Counter by counter the greatest, and never below 0. */
function greatest(parts: readonly Sums[]): Sums {
  const sums: Sums = new Map()
  for (const [agent, usage] of parts.flatMap((part) => [...part])) {
    const former = sums.get(agent) ?? countersOf({})
    const rows = Object.entries(former).map(([name, count]) => [name, Math.max(count, usage[name as keyof Usage])])
    sums.set(agent, Object.fromEntries(rows))
  }
  return sums
}

function rowsOf(sums: Sums): JsonObject {
  const rows = [...sums].filter(([, usage]) => Object.values(usage).some((count) => count !== 0))
  return Object.fromEntries(rows.sort(([a], [b]) => (a < b ? -1 : 1)).map(([agent, usage]) => [agent, { ...usage }]))
}

/** The creation, where the sides differ: the earlier one. */
function createdIn({ base, ours, theirs }: Sides): string | undefined {
  const [former, x, y] = [base, ours, theirs].map(({ summary }) => summary.labels.createdAt)
  if (typeof x !== 'string' || typeof y !== 'string' || x === y || x === former || y === former) return undefined
  return [x, y].sort()[0]
}
