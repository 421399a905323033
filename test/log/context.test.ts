/** What a model is given, on random histories: the rule that providers enforce, no message lost, the order of all else. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/base/json.js'
import { callsOf } from '../../src/log/context.js'
import { activeMessages, inContextOrder, lastOf, shownOf } from '../../src/log/context-order.js'
import { contextFromEnd } from '../../src/log/context-tail.js'
import { foldAll } from '../../src/log/fold.js'
import type { Line } from '../../src/log/line.js'
import { isLive, knownId, reachOver } from '../../src/log/visibility.js'
import { endedBy, firstOfEach, refOf } from '../../src/log/waiting.js'
import { idAt, ownLog } from './histories.js'
import { read } from './reading.js'

const RUNS = Number(process.env.LAW_RUNS ?? 500)
const SEED = Number(process.env.LAW_SEED ?? 20261125)

type Step =
  | { do: 'say'; role: string; call?: string; calls?: string[] }
  | { do: 'receive'; ref: string }
  | { do: 'answer'; count: number; silent: boolean }
  | { do: 'compact'; place: number; keeps: boolean }
  | { do: 'remove'; place: number }

const call = fc.constantFrom('x', 'y', 'z')
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('user', 'system').map((role): Step => ({ do: 'say', role })) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'say', role: 'assistant' }) },
  {
    weight: 4,
    arbitrary: fc
      .array(call, { minLength: 1, maxLength: 3 })
      .map((calls): Step => ({ do: 'say', role: 'assistant', calls })),
  },
  { weight: 6, arbitrary: call.map((id): Step => ({ do: 'say', role: 'tool', call: id })) },
  { weight: 4, arbitrary: fc.nat(20).map((n): Step => ({ do: 'receive', ref: `r${n}` })) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('answer' as const), count: fc.nat(2), silent: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const), place: fc.nat(40), keeps: fc.boolean() }) },
  { weight: 1, arbitrary: fc.nat(40).map((place): Step => ({ do: 'remove', place })) },
)

/** A log of these steps, without times. */
function logOf(steps: readonly Step[]): Buffer {
  const lines: JsonObject[] = []
  const add = (line: JsonObject) => lines.push({ ...line, at: '2026-11-21T07:00:00.000Z', id: idAt(lines.length + 1) })
  const waiting = () => foldOf(bytesOf(lines)).waiting.map(({ id }) => id)
  for (const each of steps) {
    const named = lines.filter(({ role }) => role !== undefined)
    const at = (place: number) => named[place % Math.max(1, named.length)]?.id ?? 'nobody'
    if (each.do === 'say') {
      const calls = each.calls && { toolCalls: JSON.stringify(each.calls.map((id) => ({ id }))) }
      add({ role: each.role, content: `t${lines.length}`, ...calls, ...(each.call && { toolCallId: each.call }) })
    } else if (each.do === 'receive') add({ role: 'user', content: 'q', received: each.ref })
    else if (each.do === 'remove') add({ type: 'remove', ids: [at(each.place)] })
    else if (each.do === 'compact') {
      add({ type: 'compaction', summary: 's', through: at(each.place), keep: each.keeps ? waiting() : [] })
    } else {
      const ids = waiting().slice(0, each.count)
      if (each.silent) add({ type: 'answered', ids })
      else add({ role: 'assistant', content: 'done', answers: ids })
    }
  }
  return bytesOf(lines)
}

function bytesOf(lines: readonly JsonObject[]): Buffer {
  return Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}

function foldOf(log: Buffer) {
  const { pieces, visibility } = read(log)
  return foldAll(pieces, visibility)
}

const history = fc.array(step, { maxLength: 40, size: 'max' }).map((steps) => {
  const log = logOf(steps)
  return Object.assign(log, { [fc.toStringMethod]: () => log.toString() })
})

function holds(law: (log: Buffer) => void): void {
  fc.assert(fc.property(history, law), { seed: SEED, numRuns: RUNS })
}

function shownIn(log: Buffer): { active: Line[]; shown: Line[]; waits: (line: Line) => boolean } {
  const { pieces, visibility } = read(log)
  const active = activeMessages(pieces, visibility)
  return { active: active.messages, shown: shownOf(active), waits: active.waits }
}

/** Every result directly behind the message that makes its call, in the order of its calls, and none is missing but at the end. */
function expectAcceptable(shown: readonly Line[], waits: (line: Line) => boolean = () => false): void {
  let results = 0
  shown.forEach((line, place) => {
    const calls = line.value.role === 'assistant' ? [...new Set(callsOf(line))] : []
    if (calls.length === 0) return
    const answered: unknown[] = []
    for (let at = place + 1; shown[at]?.value.role === 'tool'; at++) answered.push(shown[at]?.value.toolCallId)
    expect(answered).toEqual(calls.filter((id) => answered.includes(id)))
    results += answered.length
    if (answered.length === calls.length) return
    const later = shown.slice(place + 1)
    const closes = (each: Line) => (each.value.role === 'user' && !waits(each)) || callsOf(each).length > 0
    expect(later.some(closes)).toBe(false)
  })
  expect(shown.filter(({ value }) => value.role === 'tool').length).toBe(results)
}

describe('a context', () => {
  test('is what providers accept', () => {
    holds((log) => {
      const { shown, waits } = shownIn(log)
      expectAcceptable(shown, waits)
    })
  })

  test('holds every active message once, but for results without calls, calls without results, and empty answers', () => {
    holds((log) => {
      const { active, shown } = shownIn(log)
      expect(new Set(shown).size).toBe(shown.length)
      const plain = active.filter((line) => line.value.role !== 'tool' && callsOf(line).length === 0)
      expect(shown.filter((line) => plain.includes(line))).toEqual(plain)
    })
  })

  test('keeps the order of the log, but for results and for what waited while an answer was made', () => {
    holds((log) => {
      const { shown } = shownIn(log)
      const rest = shown.filter((line) => line.value.role !== 'tool' && refOf(line) === undefined)
      expect(rest).toEqual([...rest].sort((a, b) => a.offset - b.offset))
    })
  })

  test('shows no question before the answer to another that was made while it waited', () => {
    holds((log) => {
      const { pieces, visibility, lines } = read(log)
      const { shown } = shownIn(log)
      const endings = lines.filter((line) => isLive(line, visibility) && endedBy(line).length > 0)
      for (const question of shown.filter((line) => refOf(line) !== undefined)) {
        const id = knownId(question, visibility)
        const own = endings.find((line) => line.offset > question.offset && endedBy(line).includes(id))
        const foreign = endings.filter(
          (line) => line.offset > question.offset && line.offset < (own?.offset ?? Number.POSITIVE_INFINITY),
        )
        for (const answer of foreign) {
          if (shown.includes(answer)) expect(shown.indexOf(answer)).toBeLessThan(shown.indexOf(question))
        }
      }
      expect(pieces.length).toBe(lines.length)
    })
  })

  test('of the last messages is the end of the whole one, and never begins with a result', () => {
    fc.assert(
      fc.property(fc.oneof(history, ownLog), fc.integer({ min: 0, max: 12 }), (log, last) => {
        const { pieces, visibility } = read(log)
        const { done, value: got } = contextFromEnd(pieces.toReversed(), foldAll(pieces, visibility), last).next()
        if (!done) throw new Error('these logs are shorter than a step')
        const wanted = lastOf(shownOf(activeMessages(pieces, visibility)), last)
        if (got === 'unclear') return
        expect(got.shown).toEqual(wanted)
        expect(got.shown[0]?.value.role).not.toBe('tool')
        const summary = pieces.findLast((piece) => piece.kind === 'compaction' && isLive(piece, visibility))
        expect(got.compaction).toEqual(summary)
      }),
      { seed: SEED, numRuns: RUNS },
    )
  })

  test('of a turn closes the calls of an attempt that was cut off', () => {
    const log = logOf([
      { do: 'receive', ref: 'r1' },
      { do: 'say', role: 'assistant', calls: ['x', 'y'] },
      { do: 'say', role: 'tool', call: 'y' },
      { do: 'receive', ref: 'r2' },
    ])
    const { pieces, visibility } = read(log)
    const shown = shownOf(activeMessages(pieces, visibility), { isCutOff: () => true })
    expectAcceptable(shown)
    expect(shown.map(({ value }) => value.content)).toEqual(['q', 't1', expect.stringMatching(/unknown/), 't2', 'q'])
  })

  test('of a turn leaves out what waits for a later one', () => {
    const log = logOf([
      { do: 'receive', ref: 'r1' },
      { do: 'receive', ref: 'r2' },
      { do: 'answer', count: 1, silent: false },
      { do: 'receive', ref: 'r3' },
    ])
    const { pieces, visibility } = read(log)
    const active = activeMessages(pieces, visibility)
    const refs = (lines: Line[]) => lines.map((line) => refOf(line) ?? line.value.content)
    expect(refs(shownOf(active))).toEqual(['r1', 'done', 'r2', 'r3'])
    expect(refs(shownOf(active, { takes: (line) => refOf(line) === 'r2' }))).toEqual(['r1', 'done', 'r2'])
  })
})

describe('what waits', () => {
  test('is what came from outside, is live, and is named by no live line behind it', () => {
    holds((log) => {
      const { lines, visibility } = read(log)
      const live = lines.filter((line) => isLive(line, visibility))
      const wanted = live.filter((line) => {
        const isNamed = (each: Line) => each.offset > line.offset && endedBy(each).includes(knownId(line, visibility))
        return refOf(line) !== undefined && !live.some(isNamed)
      })
      expect(foldOf(log).waiting.map(({ id }) => id)).toEqual(wanted.map((line) => knownId(line, visibility)))
    })
  })

  test('counts once for each reference', () => {
    expect(
      firstOfEach([
        { id: 'a', ref: '1' },
        { id: 'b', ref: '2' },
        { id: 'c', ref: '1' },
      ]),
    ).toEqual([
      { id: 'a', ref: '1' },
      { id: 'b', ref: '2' },
    ])
  })

  test('is never archived by a compaction of ours', () => {
    const log = logOf([
      { do: 'receive', ref: 'r1' },
      { do: 'say', role: 'assistant' },
      { do: 'compact', place: 1, keeps: true },
    ])
    const { lines, visibility } = read(log)
    expect(lines.slice(0, 2).map((line) => reachOver(line, visibility) !== undefined)).toEqual([false, true])
    expect(inContextOrder(lines, ({ id }) => id).messages.length).toBe(2)
  })
})
