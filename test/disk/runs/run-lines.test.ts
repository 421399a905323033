/** The fold of run logs: laws that hold for any histories. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Owner } from '../../../src/disk/process-identity.js'
import {
  abortText,
  ownerText,
  RunLogFold,
  rivalIn,
  type Statement,
  standing,
  statementText,
  withdrawnText,
} from '../../../src/disk/runs/run-lines.js'

const OWNER: Owner = { host: 'box', boot: 'b', pidns: 'p', pid: 7, start: '1', instance: 'i' }
const MARK = { clock: Date.parse('2026-11-28T12:00:00.000Z'), uptime: 5_000_000 }

type ValueOf<A> = A extends fc.Arbitrary<infer T> ? T : never

const statements = fc.record({
  key: fc.constantFrom('a', 'b', 'An odd key'),
  session: fc.constantFrom(null, 's1', 's2'),
  state: fc.constantFrom('running', 'idle', 'error'),
  turn: fc.option(fc.constantFrom('t1', 't2'), { nil: null }),
  n: fc.integer({ min: 1, max: 6 }),
  ms: fc.integer({ min: 0, max: 3 }),
  uptime: fc.constantFrom('same', 'other', 'none'),
  input: fc.option(fc.array(fc.constantFrom('m1', 'm2')), { nil: undefined }),
})

function statementFrom(given: ValueOf<typeof statements>, file: string): Statement {
  const { key, session, state, turn, n, ms, uptime, input } = given
  const since = new Date(MARK.clock + ms).toISOString()
  const count = uptime === 'same' ? MARK.uptime + ms : uptime === 'other' ? 17 : undefined
  const turnId = state === 'idle' ? null : turn
  const run = { state, turnId, since, owner: OWNER, n, ...(count === undefined ? {} : { uptime: count }) }
  return { key, session, run: run as Statement['run'], turnId: turn, input, file }
}

const histories = fc.array(fc.record({ statement: statements, next: fc.constantFrom('', '', 'withdrawn', 'abort') }))

/** The text of a run log, and what it says of each session in the end. */
function logOf(history: ValueOf<typeof histories>): { text: string; said: Map<string, Statement> } {
  const said = new Map<string, Statement>()
  let text = ownerText(OWNER, MARK, false)
  for (const { statement: given, next } of history) {
    const statement = statementFrom(given, 'log')
    text += statementText(statement, MARK)
    if (next === 'abort') text += abortText(given.key, given.turn)
    // only a run is ever withdrawn
    if (next === 'withdrawn' && statement.run.state === 'running') text += withdrawnText(statement)
    else said.set(given.key, statement)
  }
  return { text, said }
}

function folded(text: string): RunLogFold {
  const fold = new RunLogFold('log')
  for (const line of text.split('\n').slice(0, -1)) fold.add(line)
  return fold
}

describe('the fold of a run log', () => {
  test('says of each session what was said last and not withdrawn', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const { text, said } = logOf(history)
        const fold = folded(text)
        expect(fold.owner).toEqual(OWNER)
        expect(new Map(fold.statements)).toEqual(said)
      }),
    )
  })

  test('of any prefix of a log is that of its whole lines, whatever stands between them', () => {
    fc.assert(
      fc.property(histories, fc.nat(), fc.string(), (history, cut, garbage) => {
        const bytes = Buffer.from(logOf(history).text)
        const prefix = bytes.subarray(0, cut % (bytes.length + 1)).toString()
        const whole = prefix.slice(0, prefix.lastIndexOf('\n') + 1)
        expect(folded(prefix).statements).toEqual(folded(whole).statements)
        const line = garbage.replaceAll('\n', ' ')
        fc.pre(!line.startsWith('{'))
        expect(folded(`${whole}\n${line}\n`).statements).toEqual(folded(whole).statements)
      }),
    )
  })

  test('after a replacement by what it says is the same', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const fold = folded(logOf(history).text)
        const later = { clock: MARK.clock + 50_000, uptime: MARK.uptime + 50_000 }
        const again = [...fold.statements.values()].map((one) => statementText(one, later)).join('')
        expect(folded(ownerText(OWNER, later, true) + again).statements).toEqual(fold.statements)
      }),
    )
  })
})

describe('what stands of several statements', () => {
  const several = fc.array(fc.tuple(statements, fc.constantFrom('', 'x', 'y', 'z')), { minLength: 1 })
  const all = (given: ValueOf<typeof several>) => given.map(([one, file]) => statementFrom(one, file))

  test('has the greatest count, and runs if any of that count does', () => {
    fc.assert(
      fc.property(several, (given) => {
        const found = standing(all(given))!
        const top = all(given).filter(({ run }) => run.n === Math.max(...given.map(([{ n }]) => n)))
        expect(found.run.n).toBe(top[0]!.run.n)
        expect(found.run.state === 'running').toBe(top.some(({ run }) => run.state === 'running'))
      }),
    )
  })

  test('does not depend on the order in which they are read', () => {
    fc.assert(
      fc.property(several, (given) => {
        const rank = ({ run, file }: Statement) => [run.n, run.state === 'running', run.since, file]
        expect(rank(standing(all(given).reverse())!)).toEqual(rank(standing(all(given))!))
      }),
    )
  })

  test('of two claims that see each other none holds, and of two of which one came later that one does not', () => {
    fc.assert(
      fc.property(several, (given) => {
        const before = all(given).map((one) => ({ ...one, run: { ...one.run, state: 'idle' as const } }))
        const n = Math.max(...before.map(({ run }) => run.n)) + 1
        const claim = (file: string): Statement => ({
          ...before[0]!,
          run: { ...before[0]!.run, state: 'running', n },
          file,
        })
        const mayLive = () => true
        expect(rivalIn(before, mayLive)).toBe(undefined)
        expect(rivalIn([...before, claim('other')], mayLive)).toEqual(claim('other'))
        expect(rivalIn([...before, claim('other')], () => false)).toBe(undefined)
      }),
    )
  })
})
