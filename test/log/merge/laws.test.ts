import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonical } from '../../../src/base/json.js'
import { foldAll } from '../../../src/log/fold.js'
import { isLine, type Usage } from '../../../src/log/line.js'
import { mergeLogs } from '../../../src/log/merge/merge.js'
import { isChat, parseLines } from '../../../src/log/parse.js'
import { addUsage, countersOf, totalUsage } from '../../../src/log/usage.js'
import { isLive, knownId, visibilityOf } from '../../../src/log/visibility.js'
import { endedBy, refOf } from '../../../src/log/waiting.js'
import { archiveOf } from '../archive.js'
import { FILE_TIME, type Parted, parted, partedMixed, wildLines, wildLog } from '../histories.js'
import { read, readingOf } from '../reading.js'

/** Random histories per law; `LAW_RUNS=20000` is the long form. */
const RUNS = Number(process.env.LAW_RUNS ?? 80)
const SEED = Number(process.env.LAW_SEED ?? 20261125)
const TIMEOUT = 30 * 60 * 1000

function holds<T>(log: fc.Arbitrary<T>, law: (log: T) => void, runs = RUNS): void {
  fc.assert(fc.property(log, law), { seed: SEED, numRuns: runs })
}

function expectSame(got: Buffer, wanted: Buffer): void {
  if (!got.equals(wanted)) expect(got.toString('latin1')).toBe(wanted.toString('latin1'))
}

function expectEqual(got: unknown, wanted: unknown): void {
  if (!isDeepStrictEqual(got, wanted)) expect(got).toEqual(wanted)
}

function merge(base: Buffer, ours: Buffer, theirs: Buffer): Buffer {
  const { bytes } = mergeLogs(base, ours, theirs)
  expectSame(mergeLogs(base, theirs, ours).bytes, bytes)
  return bytes
}

const anyParted = fc.oneof({ weight: 2, arbitrary: parted }, { weight: 1, arbitrary: partedMixed })

/** What is of a newer format cannot be merged. */
function isOurs(...logs: Buffer[]): boolean {
  return logs.every((log) => foldAll(...wholeOf(log)).version <= 1)
}

function wholeOf(log: Buffer): Parameters<typeof foldAll> {
  const pieces = parseLines(log)
  return [pieces, visibilityOf(pieces)]
}

/** Two wild descendants of a wild log. */
const wildParted: fc.Arbitrary<Pick<Parted, 'base' | 'ours' | 'theirs'>> = fc
  .tuple(wildLog, wildLines, wildLines)
  .map(([log, ours, theirs]) => {
    const base = log.at(-1) === 0x0a || log.length === 0 ? log : Buffer.concat([log, Buffer.from('\n')])
    return { base, ours: Buffer.concat([base, ours(base, 100)]), theirs: Buffer.concat([base, theirs(base, 200)]) }
  })
  .filter(({ base, ours, theirs }) => isOurs(base, ours, theirs))
const anyWild = wildLog.filter((log) => isOurs(log))

/** The live messages in order, by the ids that they are known by. */
function liveIn(log: Buffer): string[] {
  const { lines, visibility } = read(log)
  return lines
    .filter((line) => line.kind === 'message' && isLive(line, visibility))
    .map((line) => knownId(line, visibility))
}

function usageIn(log: Buffer): Map<string, Usage> {
  return totalUsage(foldAll(...wholeOf(log)))
}

/** True when an id is that of a message on one side and of another kind of line on the other. */
function isMixed(...logs: Buffer[]): boolean {
  const ids = (isNamed: boolean) =>
    logs.flatMap((log) => {
      const lines = read(log).lines.filter(({ kind }) => (kind === 'message' || kind === 'compaction') === isNamed)
      return lines.map(({ id }) => id)
    })
  const named = new Set(ids(true))
  return ids(false).some((id) => named.has(id))
}

function idsIn(log: Buffer): string[] {
  const { lines, visibility } = read(log)
  return lines.map((line) => knownId(line, visibility))
}

function compactionsIn(log: Buffer): string[] {
  const { lines, visibility } = read(log)
  return lines.filter((line) => line.kind === 'compaction' && isLive(line, visibility)).map(({ id }) => id)
}

/** All live messages of both that neither took away, exactly once, in the order of each. */
function expectMerged(base: Buffer, ours: Buffer, theirs: Buffer, merged: Buffer): void {
  const [before, left, right, got] = [base, ours, theirs, merged].map(liveIn) as [
    string[],
    string[],
    string[],
    string[],
  ]
  const removed = [ours, theirs].map((log) => read(log).visibility.removed)
  const stays = (id: string) =>
    (!before.includes(id) || (left.includes(id) && right.includes(id))) && !removed.some((ids) => ids.has(id))
  const wanted = new Set([...left, ...right].filter(stays))
  expectEqual([...got].sort(), [...wanted].sort())
  // two logs that were merged apart may have their lines in two orders
  const [inOurs, inTheirs] = [ours, theirs].map(idsIn) as [string[], string[]]
  const [first, second] = [inOurs.filter((id) => inTheirs.includes(id)), inTheirs.filter((id) => inOurs.includes(id))]
  if (!isDeepStrictEqual(first, second)) return
  for (const side of [left, right]) {
    expectEqual(
      got.filter((id) => side.includes(id)),
      side.filter((id) => wanted.has(id)),
    )
  }
}

describe('law 3: the merge of two descendants', () => {
  test(
    'is the same bytes in either direction, for any logs',
    () => {
      holds(anyParted, ({ base, ours, theirs }) => void merge(base, ours, theirs))
      holds(wildParted, ({ base, ours, theirs }) => void merge(base, ours, theirs))
      holds(fc.tuple(anyWild, anyWild, anyWild), ([base, ours, theirs]) => void merge(base, ours, theirs))
      holds(fc.tuple(anyWild, anyWild), ([ours, theirs]) => void merge(Buffer.alloc(0), ours, theirs))
    },
    TIMEOUT,
  )

  test(
    'holds every message of both that neither removed exactly once, in the order of each',
    () => {
      holds(anyParted, ({ base, ours, theirs }) => expectMerged(base, ours, theirs, merge(base, ours, theirs)))
      holds(wildParted, ({ base, ours, theirs }) => {
        // what both sides call by one id and mean differently is in merge.test.ts
        if (mergeLogs(base, ours, theirs).report.contradictions.length > 0 || isMixed(ours, theirs)) return
        // a second byte order mark damages a line, a first one does not
        if ([ours, theirs].some((log) => log.includes('\uFEFF', 1))) return
        expectMerged(base, ours, theirs, merge(base, ours, theirs))
      })
    },
    TIMEOUT,
  )

  test(
    'changes nothing when it is made again, with either side or with itself',
    () => {
      holds(anyParted, ({ base, ours, theirs }) => {
        const merged = merge(base, ours, theirs)
        for (const again of [merged, ours, theirs, base]) expectSame(merge(base, merged, again), merged)
        expectSame(merge(ours, merged, ours), merged)
        const other = Buffer.concat([merged, Buffer.from('\n')])
        // a log that only one side changed is copied
        if (![base, ours, theirs].some((log) => log.equals(merged))) expectSame(merge(base, merged, other), merged)
      })
    },
    TIMEOUT,
  )

  test(
    'with the ancestor itself reads as the other side',
    () => {
      holds(fc.oneof(anyParted, wildParted), ({ base: before, ours: after }) => {
        const [base, ours] = [before, after].map((log) => (log[0] === 0xef ? log.subarray(3) : log)) as [Buffer, Buffer]
        // a blank line more, so that the merge has work to do
        const same = Buffer.concat([base, Buffer.from(base.length === 0 || base.at(-1) === 0x0a ? '\n' : '\n\n')])
        // a second copy of a carried time counts where it stands
        const { lines, visibility } = read(ours)
        if (lines.some(({ kind, offset }) => kind === 'meta' && visibility.copies.get(offset) === 'duplicate')) return
        const got = readingOf(merge(base, same, ours), FILE_TIME)
        const wanted = readingOf(ours, FILE_TIME)
        const once = (lines: string[]) => new Set(lines.map((line) => canonical(JSON.parse(line))))
        expectEqual({ ...got, unknown: once(got.unknown) }, { ...wanted, unknown: once(wanted.unknown) })
      })
    },
    TIMEOUT,
  )

  test(
    'archives what either side archived, and nothing that a summary has not seen',
    () => {
      holds(parted, ({ base, ours, theirs }) => {
        const merged = merge(base, ours, theirs)
        const [left, right, both] = [ours, theirs, merged].map(compactionsIn) as [string[], string[], string[]]
        // a summary that one side took back ends for both
        if (![...left, ...right].every((id) => both.includes(id))) return
        const archived = [ours, theirs, merged].map((log) => {
          const { pieces, visibility } = read(log)
          return archiveOf(pieces, visibility, FILE_TIME).archived
        })
        const live = new Set(liveIn(merged))
        const wanted = [...(archived[0] as Set<string>), ...(archived[1] as Set<string>)].filter((id) => live.has(id))
        expectEqual(new Set(archived[2]), new Set(wanted))
      })
    },
    TIMEOUT,
  )

  test(
    'lets wait what came from outside and neither side answered',
    () => {
      holds(anyParted, ({ base, ours, theirs }) => {
        const merged = merge(base, ours, theirs)
        const { lines, visibility } = read(merged)
        const live = lines.filter((line) => isLive(line, visibility))
        const ended = new Set(live.flatMap(endedBy))
        const received = live.filter((line) => refOf(line) !== undefined).map((line) => knownId(line, visibility))
        const { waiting } = foldAll(...wholeOf(merged))
        expectEqual(
          waiting.map(({ id }) => id),
          received.filter((id) => !ended.has(id)),
        )
      })
    },
    TIMEOUT,
  )

  test(
    'counts the usage of both once',
    () => {
      holds(anyParted, ({ base, ours, theirs }) => {
        const wanted = usageIn(ours)
        // sums that reach the greatest number stay there
        if ([base, ours, theirs].some((log) => [...usageIn(log).values()].some(isFull))) return
        for (const [agent, usage] of usageIn(theirs)) addUsage(wanted, agent, usage, 1)
        for (const [agent, usage] of usageIn(base)) addUsage(wanted, agent, usage, -1)
        for (const [agent, usage] of sharedUsage(base, ours, theirs)) addUsage(wanted, agent, usage, -1)
        expectEqual(rows(usageIn(merge(base, ours, theirs))), rows(wanted))
      })
    },
    TIMEOUT,
  )

  test(
    'can be extended by both sides and merged again',
    () => {
      holds(anyParted, ({ base, ours, theirs, grow }) => {
        const first = merge(base, ours, theirs)
        const [left, right] = [grow[0]?.(first), grow[1]?.(first)] as [Buffer, Buffer]
        const second = merge(first, left, right)
        expectMerged(first, left, right, second)
        expectSame(merge(first, second, right), second)
      })
    },
    TIMEOUT,
  )

  test(
    'comes together after each side merged the other before it had seen its merge',
    () => {
      holds(parted, ({ base, ours, theirs, grow }) => {
        const between = [grow[0]?.(ours), grow[1]?.(theirs)] as [Buffer, Buffer]
        const left = grow[2]?.(merge(base, between[0], theirs)) as Buffer
        const right = grow[3]?.(merge(base, ours, between[1])) as Buffer
        // what git takes for the ancestor then
        const virtual = merge(base, ours, theirs)
        const merged = merge(virtual, left, right)
        expectMerged(virtual, left, right, merged)
        expectSame(merge(virtual, merged, virtual), merged)
      })
    },
    TIMEOUT,
  )
})

function isFull(usage: Usage): boolean {
  return Object.values(usage).some((count) => count >= Number.MAX_SAFE_INTEGER)
}

function rows(sums: ReadonlyMap<string, Usage>): Map<string, Usage> {
  return new Map([...sums].filter(([, usage]) => Object.values(usage).some((count) => count !== 0)))
}

/** Usage of lines that both sides have and the ancestor has not. */
function sharedUsage(base: Buffer, ours: Buffer, theirs: Buffer): Map<string, Usage> {
  const [before, left, right] = [base, ours, theirs].map((log) => {
    const { lines, visibility } = read(log)
    const messages = lines.filter(
      (line) => isLine(line) && isChat(line) && visibility.copies.get(line.offset) !== 'duplicate',
    )
    return new Map(messages.map((line) => [knownId(line, visibility), line]))
  })
  const sums = new Map<string, Usage>()
  for (const [id, { value }] of left ?? []) {
    if (before?.has(id) || !right?.has(id) || typeof value.usage !== 'object' || value.usage === null) continue
    const counters = { ...countersOf(value.usage as Record<string, number>), apiCalls: 1 }
    addUsage(sums, typeof value.agent === 'string' ? value.agent : 'main', counters, 1)
  }
  return sums
}
