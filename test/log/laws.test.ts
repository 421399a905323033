import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonical } from '../../src/base/json.js'
import { foldAll, type Summary } from '../../src/log/fold.js'
import { BackwardReading, canFollow, foldTail, idsToLookUp, liveAmong } from '../../src/log/fold-tail.js'
import { LastLines } from '../../src/log/last-lines.js'
import { isLine, type Piece } from '../../src/log/line.js'
import { isChat, parseBackwards, parseLines } from '../../src/log/parse.js'
import { toStored } from '../../src/log/views.js'
import { isLive, knownId, reachOver, visibilityOf } from '../../src/log/visibility.js'
import { isEnding } from '../../src/log/waiting.js'
import { FILE_TIME, grownLog, idAt, mixedLog, ownLog, wildLines, wildLog } from './histories.js'
import { rawOf, read, readingOf, removedIds } from './reading.js'
import { applyPlan, planOf, rewrite } from './rewriting.js'

/** Random histories per law. `LAW_RUNS=20000` is the long form. */
const RUNS = Number(process.env.LAW_RUNS ?? 150)
const SEED = Number(process.env.LAW_SEED ?? 20261125)
const LATER = '2027-03-01T00:00:00.000Z'
const TIMEOUT = 30 * 60 * 1000

function holds<T>(log: fc.Arbitrary<T>, law: (log: T) => void, runs = RUNS): void {
  fc.assert(fc.property(log, law), { seed: SEED, numRuns: runs })
}

/** Like `toEqual`, which is called only to report a difference, since it is slow. */
function expectEqual(got: unknown, wanted: unknown): void {
  if (!isDeepStrictEqual(got, wanted)) expect(got).toEqual(wanted)
}

const anyLog = fc.oneof(
  { weight: 3, arbitrary: wildLog },
  { weight: 1, arbitrary: ownLog },
  { weight: 1, arbitrary: mixedLog },
)
let made = 0
const nextId = () => idAt(1_000_000 + made++)

describe('law 1: a rewrite is invisible', () => {
  test(
    'all answers are equal before and after, and the second rewrite finds nothing',
    () => {
      holds(anyLog, (log) => {
        const after = rewrite(log, FILE_TIME, nextId)
        if (after === null) return
        expectEqual(readingOf(after, LATER), readingOf(log, FILE_TIME))
        expect(planOf(after, LATER)).toBeNull()
      })
    },
    TIMEOUT,
  )

  test(
    'that purges takes the archived messages as well, and nothing else',
    () => {
      holds(anyLog, (log) => {
        const plan = planOf(log, FILE_TIME, { purge: true })
        if (plan === null) return
        const rewritten = applyPlan(log, plan, read(log).visibility, FILE_TIME, nextId)
        const before = readingOf(log, FILE_TIME)
        const { archived, summary } = before.archive
        const values = before.values.filter(([id]) => !archived.has(id))
        const left = {
          values,
          // only another program's compaction archives what waits
          waiting: before.waiting.filter(({ id }) => !archived.has(id)),
          archive: { summary, archived: new Set() },
          archived: { messages: 0, bytes: 0, oldest: null },
        }
        const after = readingOf(rewritten, LATER)
        expectEqual(after, { ...before, ...left, messages: after.messages, count: after.messages.length })
      })
    },
    TIMEOUT,
  )

  test(
    'that only tidies drops what later lines set, and no other byte',
    () => {
      holds(anyLog, (log) => {
        const { pieces, lines, visibility } = read(log)
        const plan = planOf(log, FILE_TIME, { tidies: true })
        const { undated } = foldAll(pieces, visibility)
        if (plan === null || undated || pieces.at(-1)?.kind === 'torn') return
        const dropped = (piece: Piece) =>
          plan.edits.some(({ offset, end }) => offset <= piece.offset && piece.end <= end)
        for (const { action } of plan.edits) expect(action).toBe('drop')
        for (const line of lines.filter(dropped)) expect(['value', 'meta']).toContain(line.kind)
        const after = applyPlan(log, plan, visibility, FILE_TIME, nextId)
        expectEqual(readingOf(after, LATER), readingOf(log, FILE_TIME))
        const texts = (all: typeof lines, bytes: Buffer) =>
          all.filter(({ kind }) => kind !== 'value' && kind !== 'meta').map((line) => rawOf(bytes, line))
        expectEqual(texts(read(after).lines, after), texts(lines, log))
        expect(planOf(after, LATER, { tidies: true })).toBeNull()
      })
    },
    TIMEOUT,
  )

  test(
    'sets aside exactly what cannot be read, and leaves nothing dead',
    () => {
      holds(anyLog, (log) => {
        const { pieces } = read(log)
        const plan = planOf(log, FILE_TIME)
        const bad = pieces.filter(({ kind }) => kind === 'damage' || kind === 'torn')
        const aside = (plan?.edits ?? []).filter(({ action }) => action === 'aside')
        expectEqual(bytesIn(aside), bytesIn(bad))
        const after = plan ? applyPlan(log, plan, visibilityOf(pieces), FILE_TIME, nextId) : log
        const left = read(after)
        expect(left.pieces.filter(({ kind }) => kind === 'damage' || kind === 'torn')).toEqual([])
        expect(left.lines.filter((line) => line.kind !== 'unknown' && !isLive(line, left.visibility))).toEqual([])
      })
    },
    TIMEOUT,
  )

  test(
    'leaves the bytes of all lines that it does not mend',
    () => {
      holds(anyLog, (log) => {
        const { pieces, visibility } = read(log)
        const plan = planOf(log, FILE_TIME)
        if (plan === null) return
        let last = 0
        for (const { offset, end } of plan.edits) {
          expect(offset).toBeGreaterThanOrEqual(last)
          last = end
        }
        const edited = (piece: Piece) =>
          plan.edits.some(({ offset, end }) => offset <= piece.offset && piece.end <= end)
        const kept = pieces
          .filter((piece) => !edited(piece))
          .map(({ offset, end }) => log.subarray(offset, end).toString())
        const after = applyPlan(log, plan, visibility, FILE_TIME, nextId).toString()
        let place = 0
        for (const raw of kept) {
          place = after.indexOf(raw, place) + raw.length
          expect(place).toBeGreaterThanOrEqual(raw.length)
        }
      })
    },
    TIMEOUT,
  )
})

test(
  'the last lines of names and labels are the same, from whichever end a log is read',
  () => {
    holds(fc.tuple(anyLog, fc.nat()), ([log, cut]) => {
      const { lines, visibility } = read(log)
      const counted = lines.filter(({ offset }) => visibility.copies.get(offset) !== 'duplicate')
      const [forwards, both] = [new LastLines(), new LastLines()]
      for (const line of counted) forwards.addNext(line)
      const middle = cut % (counted.length + 1)
      for (const line of counted.slice(middle)) both.addNext(line)
      for (const line of counted.slice(0, middle).reverse()) both.addFormer(line)
      expectEqual(new Map([...both.values].sort()), new Map([...forwards.values].sort()))
      expect(both.superseded).toBe(forwards.superseded)
    })
  },
  TIMEOUT,
)

describe('law 2: every byte-prefix of a log is a log', () => {
  test('for every prefix of a log with text of many bytes a character', () => {
    const texts = ['Zwölf Boxkämpfer', '写真を見て', '👩‍👩‍👧 ok 🎉', 'ça\u2028va']
    const lines = texts.map((content, n) => JSON.stringify({ id: idAt(n + 1), role: 'user', content }))
    const log = Buffer.from(`\uFEFF${lines.join('\n')}\r\n{"role":"user","content":"naïve"}\n${lines[0]}x\n42\n`)
    for (let cut = 0; cut <= log.length; cut++) prefixIsLog(log, cut)
  })

  test(
    'for prefixes of random logs',
    () => {
      holds(fc.tuple(anyLog, fc.array(fc.nat(), { minLength: 8, maxLength: 8 })), ([log, cuts]) => {
        for (const cut of cuts) prefixIsLog(log, cut % (log.length + 1))
      })
    },
    TIMEOUT,
  )
})

function prefixIsLog(log: Buffer, cut: number): void {
  const prefix = log.subarray(0, cut)
  const whole = parseLines(log)
  const pieces = parseLines(prefix)
  const last = pieces.at(-1)
  const closed = last !== undefined && log[last.end - 1] !== 0x0a ? pieces.slice(0, -1) : pieces
  expectEqual(closed, whole.slice(0, closed.length))
  if (closed.length < pieces.length && last !== undefined && isLine(last)) {
    const same = whole[closed.length] as Piece
    // a last line counts as it will with its line feed; only text behind it on the same line can damage it
    if (isLine(same)) expectEqual({ ...last, end: 0, open: true, id: 0 }, { ...same, end: 0, open: true, id: 0 })
    else expect(['damage', 'torn']).toContain(same.kind)
  }
  appendKeepsAll(prefix, pieces)
}

/** A writer sets a torn tail aside and gives an open line its feed; then it adds its line. */
function appendKeepsAll(log: Buffer, pieces: Piece[]): void {
  const last = pieces.at(-1)
  const whole = last?.kind === 'torn' ? log.subarray(0, last.offset) : log
  const feed = whole.length > 0 && whole.at(-1) !== 0x0a ? '\n' : ''
  const added = '{"role":"user","content":"after the crash"}\n'
  const after = parseLines(Buffer.concat([whole, Buffer.from(feed + added)]))
  const former = pieces.filter(({ kind }) => kind !== 'torn')
  expect(after.length).toBe(former.length + 1)
  for (const [place, piece] of former.entries()) {
    const { end: _, ...rest } = piece
    expect(after[place]).toMatchObject('open' in rest ? { ...rest, open: false } : rest)
  }
  expect(after.at(-1)).toMatchObject({ kind: 'message', value: { content: 'after the crash' } })
}

describe('law 3: the plain line union of two descendants reads without loss', () => {
  test(
    'every message of both that neither removed is there once, in either order',
    () => {
      holds(fc.tuple(anyLog, wildLines, wildLines), ([log, ours, theirs]) => {
        const base = log.at(-1) === 0x0a || log.length === 0 ? log : Buffer.concat([log, Buffer.from('\n')])
        const [left, right] = [ours(base, 100), theirs(base, 200)]
        const sides = [named(Buffer.concat([base, left])), named(Buffer.concat([base, right]))]
        for (const union of [
          [base, left, right],
          [base, right, left],
          [base, left, base.subarray(base[0] === 0xef ? 3 : 0), right],
        ]) {
          const got = named(Buffer.concat(union)).live
          for (const [key, { count }] of got) expect(count, key).toBe(1)
          for (const [key, { id }] of sides.flatMap(({ live }) => [...live])) {
            const gone = sides.some(({ removed }) => removed.has(id) || removed.has(key))
            if (!gone) expect(got.has(key), key).toBe(true)
          }
        }
      })
    },
    TIMEOUT,
  )
})

/** Messages with an id of their own, by id and content; and which are removed, by id or as one of several of that id. */
function named(log: Buffer): { live: Map<string, { id: string; count: number }>; removed: Set<string> } {
  const { lines, visibility } = read(log)
  const live = new Map<string, { id: string; count: number }>()
  const removed = removedIds(lines)
  for (const line of lines.filter((each) => isChat(each) && !each.bare)) {
    const key = `${line.id} ${canonical(line.value)}`
    if (isLive(line, visibility)) live.set(key, { id: line.id, count: (live.get(key)?.count ?? 0) + 1 })
    else if (visibility.copies.get(line.offset) !== 'duplicate') removed.add(key)
  }
  return { live, removed }
}

describe('law 5: folding a tail onto a watermark equals folding the whole', () => {
  test(
    'for any log, where the tail can be folded at all',
    () => {
      holds(anyLog, (log) => {
        for (const { folded, whole } of tails(log)) if (folded !== undefined) expectEqual(folded, whole)
      })
    },
    TIMEOUT,
  )

  test(
    'always, for what our own writers leave, unless compactions, archived messages or values come or go',
    () => {
      holds(fc.oneof(ownLog, grownLog), (log) => {
        for (const { folded, whole, mayNeedWhole } of tails(log)) {
          if (folded !== undefined) expectEqual(folded, whole)
          else expect(mayNeedWhole).toBe(true)
        }
      })
    },
    TIMEOUT,
  )

  test(
    'reading backwards decides about each line as reading the whole log does, while it is certain',
    () => {
      holds(anyLog, (log) => {
        backwards(log)
      })
      holds(fc.oneof(ownLog, grownLog), (log) => {
        expect(backwards(log)).toBe('certain')
      })
    },
    TIMEOUT,
  )

  test(
    'cuts the same pieces in blocks of any size',
    () => {
      holds(fc.tuple(anyLog, fc.integer({ min: 1, max: 200 })), ([log, size]) => {
        expectEqual(inBlocks(log, size), parseLines(log))
      })
    },
    TIMEOUT,
  )

  test(
    'cuts the same pieces from the end backwards',
    () => {
      holds(anyLog, (log) => {
        expectEqual([...parseBackwards(log, 7)].reverse(), parseLines(log, 7))
      })
    },
    TIMEOUT,
  )
})

interface Tail {
  /** Undefined when that takes a reading of the whole log. */
  folded: Summary | undefined
  whole: Summary
  mayNeedWhole: boolean
}

/** For every watermark of a log: the tail folded onto it, and the whole. */
function* tails(log: Buffer): Generator<Tail> {
  const { pieces, visibility } = read(log)
  const whole = foldAll(pieces, visibility)
  for (let mark = 0; mark <= pieces.length; mark++) {
    const below = pieces.slice(0, mark)
    const added = pieces.slice(mark)
    if (below.at(-1)?.kind === 'torn') continue
    const known = visibilityOf(below)
    const folded = foldAll(below, known)
    const isOther = (piece: Piece) => piece.kind === 'compaction' || (piece.kind === 'message' && !isChat(piece))
    const mayNeedWhole =
      added.some(({ kind }) => kind === 'compaction') ||
      (below.some((piece) => isOther(piece) || (isLine(piece) && isEnding(piece))) &&
        added.some(({ kind }) => kind === 'remove'))
    const named = idsToLookUp(folded, added)
    const live = named && liveAmong(below.toReversed(), folded, named).next().value
    if (named && live && canFollow(folded, named, live)) {
      foldTail(folded, added, live)
      yield { folded, whole, mayNeedWhole }
    } else yield { folded: undefined, whole, mayNeedWhole }
  }
}

/** Reads from the end until it is uncertain. */
function backwards(log: Buffer): 'certain' | 'uncertain' {
  const { pieces, visibility } = read(log)
  const reading = new BackwardReading(foldAll(pieces, visibility))
  for (const piece of pieces.toReversed()) {
    const live = reading.add(piece)
    if (reading.uncertain) return 'uncertain'
    expect(live).toBe(isLine(piece) && isChat(piece) && isLive(piece, visibility))
    if (!isLine(piece)) continue
    expect(piece.id).toBe(knownId(piece, visibility))
    if (piece.kind === 'message') expect(reading.archived).toBe(reachOver(piece, visibility) !== undefined)
    if (live) expectEqual(toStored(piece, reading.visibility, FILE_TIME), toStored(piece, visibility, FILE_TIME))
  }
  return 'certain'
}

function inBlocks(log: Buffer, size: number): Piece[] {
  const pieces: Piece[] = []
  let rest = Buffer.alloc(0)
  for (let place = 0; place < log.length; place += size) {
    const bytes = Buffer.concat([rest, log.subarray(place, place + size)])
    const base = Math.min(place + size, log.length) - bytes.length
    const atEnd = place + size >= log.length
    const block = parseLines(bytes, base, atEnd)
    pieces.push(...block)
    rest = Buffer.from(bytes.subarray((block.at(-1)?.end ?? base) - base))
  }
  return pieces
}

function bytesIn(stretches: Array<{ offset: number; end: number }>): number[] {
  return stretches.flatMap(({ offset, end }) => Array.from({ length: end - offset }, (_, n) => offset + n))
}
