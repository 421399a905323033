import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/base/json.js'
import { LogReader } from '../../src/disk/log-reader.js'
import type { Line } from '../../src/log/line.js'
import { isoTime, parseLines } from '../../src/log/parse.js'
import {
  compactionLine,
  headerLine,
  messageLine,
  messageText,
  metaLine,
  removeLine,
  valueLine,
} from '../../src/log/serialize.js'
import { foldLog } from '../../src/session/catch-up.js'
import { planLeast, planTouched } from '../../src/session/plan-touched.js'
import { type Plan, partsOf, planRewrite, type Selection } from '../../src/session/rewrite-plan.js'
import { FILE_TIME, idAt, inFormerOrder, mixedLog, ownLog, wildLog } from '../log/histories.js'

/** `LAW_RUNS=20000 npx vitest run test/log/touched.test.ts` is the long form. */
const RUNS = Number(process.env.LAW_RUNS ?? 60)
const SEED = Number(process.env.LAW_SEED ?? 20261125)
const TIMEOUT = 30 * 60 * 1000
const START = Date.parse('2026-11-21T07:00:00.000Z')

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'jsonl-sessions-touched-'))
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

type Step =
  | { do: 'say'; length: number; usage: number; agent: string }
  | { do: 'remove'; places: number[] }
  | { do: 'compact'; place: number }
  | { do: 'label'; set: Parameters<typeof metaLine>[1] }

const place = fc.nat(400)
const say = fc.record({
  do: fc.constant('say' as const),
  length: fc.oneof(
    { weight: 8, arbitrary: fc.nat(600) },
    { weight: 1, arbitrary: fc.integer({ min: 4000, max: 90_000 }) },
  ),
  usage: fc.constantFrom(0, 0, 5, 412),
  agent: fc.constantFrom('main', 'coder', '7'),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 40, arbitrary: say },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('remove' as const),
      places: fc.array(place, { minLength: 1, maxLength: 9 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const), place }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('label' as const),
      set: fc.constantFrom<Parameters<typeof metaLine>[1]>(
        { name: 'x' },
        { state: { a: 1 }, tags: ['t'] },
        { carriedUsage: { main: { promptTokens: 3, apiCalls: 1 } } },
        { carriedUsage: { coder: { promptTokens: 3 } }, name: 'both' },
        { createdAt: '2026-11-20T00:00:00.000Z' },
        { lastActivity: '2026-11-21T06:00:00.000Z' },
      ),
    }),
  },
)

/** Lines as this library writes them, one after another: what `planTouched` is for. */
function linesOf(steps: readonly Step[], first: number): string[] {
  const said: string[] = []
  const lines: string[] = [headerLine({ id: idAt(0), at: isoTime(START) }, 'k')]
  for (const [n, each] of steps.entries()) {
    const stamp = { id: idAt(n + 1), at: isoTime(START + 1000 * n) }
    const known = (at: number) => said[at % said.length]
    if (each.do === 'say') {
      const usage = each.usage === 0 ? {} : { usage: { promptTokens: each.usage, completionTokens: 1 } }
      const agent = each.agent === 'main' ? {} : { agent: each.agent }
      const message = {
        role: n % 2 ? 'assistant' : 'user',
        content: 'ä'.repeat(each.length % 7) + 'x'.repeat(each.length),
      }
      lines.push(messageLine(stamp, messageText({ ...message, ...agent, ...usage })))
      said.push(stamp.id)
    } else if (each.do === 'label') lines.push(metaLine(stamp, each.set))
    else if (said.length > 0 && each.do === 'remove') {
      lines.push(removeLine(stamp, [...new Set(each.places.map((at) => known(at) as string))]))
    } else if (said.length > 0 && each.do === 'compact')
      lines.push(compactionLine(stamp, 's', known(each.place) as string))
  }
  // a first stretch as a backup leaves it
  if (first > 0 && said.length > first)
    lines.push(removeLine({ id: idAt(5000), at: isoTime(START + 9e8) }, said.slice(0, first)))
  return lines
}

const orderly = fc
  .record({
    steps: fc.array(step, { maxLength: 220, size: 'max' }),
    first: fc.constantFrom(0, 0, 5, 50),
    former: fc.constantFrom(0, 1, 3),
  })
  // an order of fields throughout, or one and then the other
  .map(({ steps, first, former }) =>
    linesOf(steps, first).map((line, n, { length }) => (n * 3 < length * former ? inFormerOrder(line) : line)),
  )

/** What makes a log other than that, in one place. */
const ODD: Array<(line: string, lines: readonly string[]) => string | Buffer> = [
  (line) => `${line}{"half\n`,
  (line) => Buffer.concat([Buffer.from(line), Buffer.from([0xff, 0x0a])]),
  (line) => `${line}\n`,
  (line) => `${line.trimEnd()}\r\n`,
  (line) => line + line,
  (line, lines) => line + (lines[1] ?? ''),
  (line) => `${line}{"role":"user","content":"bare"}\n`,
  (line) => `${line}{"id":"${idAt(6000)}","role":"user","content":"undated"}\n`,
  (line) => `${line}{"id":"foreign","at":"2026-11-21T07:00:00.000Z","role":"user"}\n`,
  (line) => line.replace(/"at":"[^"]*"/, '"at":"2020-01-01T00:00:00.000Z"'),
  (line) => line.replace(/"at":"[^"]*"/, '"at":"2030-01-01T00:00:00.000Z"'),
  (line) => line.replace(/"at":"[^"]*",/, ''),
  (line) => `${line}{"id":"${idAt(6000)}","role":"user","content":"${'x'.repeat(30)}"}\n`,
  (line) => `${line}{"role":"user","n":{"id":"x"},"at":"2026-11-25T00:00:00.000Z","content":"${'x'.repeat(30)}"}\n`,
  (line) => line.replace(/}\n$/, `,"id":"${idAt(6000)}"}\n`),
  (line) => line.replace('{', '{ '),
  (line) => line.replace(/}\n$/, ',"id":"x"}\n'),
  (line) => line.replace(/}\n$/, ',"type":"note"}\n'),
  (line) => line.slice(0, -1),
  (line) => `${line}{"type":"remove","id":"${idAt(6000)}","at":"2026-11-25T00:00:00.000Z","ids":["nobody"]}\n`,
  (line) => `${line}{"type":"remove","id":"${idAt(6000)}","at":"2026-11-25T00:00:00.000Z","ids":["${idAt(6001)}"]}\n`,
  (line) => `${line}{"type":"commit","id":"${idAt(6000)}","at":"2026-11-25T00:00:00.000Z","revision":1}\n`,
  (line) => `${line}{"type":"note","id":"${idAt(6000)}","at":"2026-11-25T00:00:00.000Z"}\n`,
  (line) => line + headerLine({ id: idAt(6000), at: isoTime(START) }, 'other'),
  (line) => line + valueLine({ id: idAt(6000), at: isoTime(START + 1e9) }, ['a value']),
  (line) => line.replace('"promptTokens":412', `"promptTokens":${Number.MAX_SAFE_INTEGER}`),
  () => '',
]
const nearlyOrderly = fc
  .tuple(orderly, fc.array(fc.tuple(fc.nat(), fc.constantFrom(...ODD)), { minLength: 1, maxLength: 2 }))
  .map(([lines, changes]) => {
    const changed: Array<string | Buffer> = [...lines]
    for (const [at, change] of changes) {
      const which = at % lines.length
      changed[which] = change(lines[which] as string, lines)
    }
    return Buffer.concat(changed.map((line) => Buffer.from(line)))
  })

const SELECTIONS: Selection[] = [{}, { purgesArchived: () => true }, { purgesArchived: ({ offset }) => offset % 3 > 0 }]

/** The new file, but for the line at its end. */
function fileOf(plan: Plan, log: Buffer): string | null {
  if (plan.plan === null) return null
  const parts = [...partsOf(plan)].map((part) => (Buffer.isBuffer(part) ? part : log.subarray(part.offset, part.end)))
  // texts are compared much quicker
  return Buffer.concat(parts).toString('latin1')
}

let made = 0
let toldAfter = 0

/** The log as a file; `work` answers what a planner makes of it. */
async function reading<T>(log: Buffer, work: (reader: LogReader) => Promise<T>): Promise<T> {
  const file = path.join(folder, `${made++}.jsonl`)
  fs.writeFileSync(file, log)
  fs.utimesSync(file, new Date(FILE_TIME), new Date(FILE_TIME))
  try {
    return (await LogReader.using(file, work)) as T
  } finally {
    fs.rmSync(file)
  }
}

function outcome(plan: Plan, log: Buffer) {
  const { edits, carry, carryAt } = plan.plan ?? {}
  const aside = edits?.filter(({ action }) => action === 'aside')
  const { version, maxId } = plan.summary
  return { file: fileOf(plan, log), aside, carry: JSON.stringify(carry), carryAt, purged: plan.purged, version, maxId }
}

/** What is known of the new log at once is what reading it tells. */
async function expectToldAfter(plan: Plan, carry: JsonObject, log: Buffer): Promise<void> {
  const kept = Buffer.from(fileOf(plan, log) as string, 'latin1')
  const text = metaLine({ id: idAt(7000), at: plan.plan?.carryAt as string }, carry)
  const [line] = parseLines(Buffer.from(text), kept.length)
  const told = plan.after?.(line as Line)
  if (told === undefined) return
  const { summary } = await reading(Buffer.concat([kept, Buffer.from(text)]), foldLog)
  expect(told).toEqual(summary)
  expect([...told.usage.keys()]).toEqual([...summary.usage.keys()])
  toldAfter++
}

async function expectSame(log: Buffer): Promise<number> {
  return reading(log, async (reader) => {
    let touched = 0
    for (const selection of SELECTIONS) {
      const general = outcome(await planRewrite(reader, selection), log)
      expect(outcome(await planLeast(reader, undefined, selection), log)).toEqual(general)
      const known = await foldLog(reader)
      expect(outcome(await planLeast(reader, known, selection), log)).toEqual(general)
      const plan = await planTouched(reader, known, selection)
      if (plan !== undefined) touched++
      if (plan?.plan?.carry) await expectToldAfter(plan, plan.plan.carry, log)
    }
    return touched
  })
}

function holds<T>(log: fc.Arbitrary<T>, law: (log: T) => Promise<void>, runs = RUNS): Promise<void> {
  return fc.assert(fc.asyncProperty(log, law), { seed: SEED, numRuns: runs, endOnFailure: true })
}

describe('a rewrite that reads only the lines that it touches', () => {
  it(
    'makes byte for byte the file that one makes that reads them all, and does so for what this library writes',
    async () => {
      let touched = 0
      let all = 0
      await holds(orderly, async (lines) => {
        touched += await expectSame(Buffer.from(lines.join('')))
        all += SELECTIONS.length
      })
      expect(touched / all).toBeGreaterThan(0.8)
      expect(toldAfter).toBeGreaterThan(RUNS / 10)
    },
    TIMEOUT,
  )

  it(
    'makes the same file of logs that are nearly so',
    async () => {
      await holds(nearlyOrderly, async (log) => {
        await expectSame(log)
      })
    },
    TIMEOUT,
  )

  it(
    'makes the same file of any log',
    async () => {
      await holds(fc.oneof(ownLog, mixedLog, wildLog), async (log) => {
        await expectSame(log)
      })
    },
    TIMEOUT,
  )
})
