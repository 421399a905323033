/**
 * Every interleaving of writers, rewriters and moves to the trash, with kills between any two system calls of whoever
 * holds something. A process that is stopped needs no case of its own: its next step comes later, or never.
 */
import { describe, expect, test } from 'vitest'
import { type Case, KINDS, linesOf, type Mistake, NOBODY, type Process, textOf, type World } from './append-protocol.js'

function make(kind: Process['kind'], name: string, lines = 1): Process {
  const at = kind === 'writer' ? 'open' : 'takeLease'
  const known = { file: 0, size: 0, feeds: false, rest: '', written: 0 }
  return { kind, name, at, line: 0, lines, ...known, nonces: [], attempt: 0, ended: false }
}

function start({ processes, hasLog = true }: Case): World {
  const disk = hasLog ? { names: { log: 0 }, texts: ['h0;'] } : { names: {}, texts: [] }
  return { ...disk, writes: {}, lease: NOBODY, kills: 0, losses: 0, acknowledged: [], dismissed: [], processes }
}

/** The state after the next step of one process; undefined when that has to wait. */
function after(world: World, number: number, given: Case, at = world.processes[number]!.at): World | undefined {
  const self = { ...world.processes[number]! }
  const step = KINDS[self.kind][at]
  if (self.ended || step === undefined) return undefined
  const { names, texts, writes } = world
  const next = { ...world, names: { ...names }, texts: [...texts], writes: { ...writes } }
  next.processes = world.processes.with(number, self)
  return step(next, self, given) === false ? undefined : next
}

/** Death matters where something is held: the lease, or the inode while half of a write is done. */
function killed(world: World, number: number, { kills = 0 }: Case): World | undefined {
  const victim = world.processes[number]!
  if (world.kills >= kills || victim.ended || (world.lease !== number && victim.rest === '')) return undefined
  const gone = { ...make(victim.kind, victim.name), ended: true, at: 'dead' }
  const writes = Object.fromEntries(Object.entries(world.writes).filter(([, writer]) => writer !== number))
  return { ...world, kills: world.kills + 1, writes, processes: world.processes.with(number, gone) }
}

/** What a reader would see that it must not. */
function faultOf(world: World): string | undefined {
  const seen = new Set(linesOf(textOf(world, 'log')))
  const missed = world.acknowledged.find((line) => !seen.has(line) && !world.dismissed.includes(line))
  if (missed !== undefined) return `${missed} is out of sight`
  const last: Record<string, string> = {}
  for (const line of seen) {
    const [writer = ''] = line
    if (line < (last[writer] ?? '')) return `${line} comes behind ${last[writer]}`
    last[writer] = line
  }
  return undefined
}

/** True when a writer gets its acknowledgement although all others are stopped: calls of the kernel return first. */
function getsOn(world: World, number: number, given: Case): boolean {
  let now = world
  for (const writer of Object.values(world.writes)) now = after(now, writer, given) ?? now
  const { line } = world.processes[number]!
  for (let steps = 0; steps < 30; steps++) {
    const { at, line: reached, ended } = now.processes[number]!
    if (reached > line || ended) return true
    const next = after(now, number, given) ?? after(now, number, given, `${at} time-out`)
    if (next === undefined) return false
    now = next
  }
  return false
}

function keyOf({ names, processes, ...rest }: World): string {
  const links = Object.keys(names)
    .sort()
    .map((name) => name + names[name])
  return JSON.stringify([links, processes.map(Object.values), Object.values(rest)])
}

/** Tries all that can happen; the first fault, or that there is none. */
function explore(given: Case): string {
  const first = start(given)
  const seen = new Set([keyOf(first)])
  const open = [first]
  for (let world = open.pop(); world !== undefined; world = open.pop()) {
    const fault = faultOf(world)
    if (fault !== undefined) return fault
    for (const [number, { at }] of world.processes.entries()) {
      if (['wait', 'listFormers'].includes(at) && !getsOn(world, number, given))
        return `a writer waits for ever at ${at}`
      const steps = [after(world, number, given), after(world, number, given, `${at} time-out`)]
      for (const next of [...steps, killed(world, number, given)]) {
        const key = next && keyOf(next)
        if (next === undefined || key === undefined || seen.has(key)) continue
        seen.add(key)
        open.push(next)
      }
    }
  }
  return `no fault in ${seen.size} states`
}

const a = make('writer', 'a')
const a2 = make('writer', 'a', 2)
const b = make('writer', 'b')
const r = make('rewriter', 'r')
const s = make('rewriter', 's')
const m = make('mover', 'm')

describe('appends without a lease', () => {
  test.each<[string, Case]>([
    ['a writer that is killed within a write', { processes: [a, b], kills: 1, halves: true }],
    ['a rewriter beside a writer of two lines', { processes: [a2, r] }],
    ['a rewriter beside two writers', { processes: [a, b, r] }],
    ['a rewriter that sees half a line', { processes: [a, r], kills: 1, halves: true }],
    ['a rewriter that dies and one that finishes', { processes: [a, r, s], kills: 1 }],
    ['a rewriter that loses its lease while it is stopped', { processes: [a, r, s], losses: 1 }],
    ['two writers that create the log', { processes: [a2, b], hasLog: false }],
    ['a move to the trash', { processes: [a2, m] }],
    ['a move to the trash that dies, and a rewriter', { processes: [a, m, r], kills: 1 }],
  ])(
    '%s: every acknowledged line stays visible, and no process waits for ever',
    (_, given) => {
      expect(explore(given)).toMatch(/^no fault in \d+ states$/)
    },
    60_000,
  )

  test.each<[Mistake, Case, RegExp]>([
    ['no look at the size', { processes: [a, b], kills: 1, halves: true }, /out of sight/],
    ['no second copy', { processes: [a, r] }, /out of sight/],
    ['former unlinked before the temp file', { processes: [a, b, r] }, /out of sight/],
    ['formers of one name', { processes: [a, b, r], attempts: 2 }, /out of sight/],
    ['leftovers: former first', { processes: [a, r, s], losses: 1 }, /out of sight/],
    ['moved, then looked at', { processes: [a, m] }, /out of sight/],
    ['lease not looked at again', { processes: [a, r, s], losses: 1 }, /out of sight/],
    ['any second link is waited for', { processes: [a, b], hasLog: false }, /waits for ever/],
  ])('a protocol with this mistake is found out: %s', (mistake, given, fault) => {
    expect(explore({ ...given, mistake })).toMatch(fault)
  })
})
