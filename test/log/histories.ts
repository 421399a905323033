/** Random logs: `wildLog` holds anything that a file can hold, `ownLog` what the writers of this library leave. */
import fc from 'fast-check'
import { IdSource } from '../../src/base/ids.js'
import type { Json, JsonObject } from '../../src/base/json.js'
import { foldAll } from '../../src/log/fold.js'
import { isLine, type Line, type Piece } from '../../src/log/line.js'
import { isChat, isoTime, parseLines } from '../../src/log/parse.js'
import {
  answeredLine,
  commitLine,
  compactionLine,
  headerLine,
  messageLine,
  messageText,
  metaLine,
  removeLine,
  rolelessLine,
  type Stamp,
  valueLine,
  valueText,
} from '../../src/log/serialize.js'
import { isLive, knownId, visibilityOf } from '../../src/log/visibility.js'
import { applyPlan, planOf, rewrite } from './rewriting.js'

export const FILE_TIME = '2026-11-24T12:00:00.000Z'
const START = Date.parse('2026-11-21T07:00:00.000Z')

/** Lets a failing test show the log as text. */
function readable(log: Buffer): Buffer {
  return Object.assign(log, { [fc.toStringMethod]: () => JSON.stringify(log.toString('latin1')) })
}

/** The n-th of a row of rising UUIDv7. */
export function idAt(n: number): string {
  return `019aa1b2-c000-7000-8000-${n.toString(16).padStart(12, '0')}`
}

const text = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'hi',
      'hello',
      'Zwölf Boxkämpfer',
      '写真を見て',
      '👩‍👩‍👧 ok 🎉',
      'a\nb\u2028c',
      '{"',
      '\\"',
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom('\ud800', 'x\udc00\u0000') },
)
const content: fc.Arbitrary<Json> = fc.oneof(
  { weight: 5, arbitrary: text },
  { weight: 1, arbitrary: fc.constantFrom<Json>(null, 7, ['part', { type: 'text', text: 'é' }], { a: { id: 'x' } }) },
)

/** A line as it was written before time and id closed it: they stand behind the type, or first of all. */
export function inFormerOrder(line: string): string {
  const [, head, fields, at, id] = /^(\{(?:"type":"\w+",)?)(.*),"at":("[^"]*"),"id":("[^"]*")\}\n$/s.exec(
    line,
  ) as string[]
  return `${head}"id":${id},"at":${at},${fields}}\n`
}

/** Which order of fields the lines of a log have; mixed as when a new version of the library goes on with a log. */
type FieldOrder = 'former' | 'mixed' | 'now'
const fieldOrder = fc.constantFrom<FieldOrder>('former', 'mixed', 'now')

/** How a line of a wild history names itself; `n` is resolved when the log is built. */
const identity = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Json>('next') },
  { weight: 3, arbitrary: fc.nat(11).map((n): Json => idAt(n * 3)) },
  { weight: 2, arbitrary: fc.constantFrom<Json>('m1', 'm2', 'null', '#0-00000000') },
  { weight: 3, arbitrary: fc.constant<Json>('none') },
  { weight: 1, arbitrary: fc.constantFrom<Json>('', 5, null, ['x'], { id: 1 }, idAt(2).toUpperCase()) },
)
const time = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Json>('next') },
  { weight: 3, arbitrary: fc.constant<Json>('none') },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Json>(
      ...['2026-11-21T09:00:00+02:00', '2025-01-01', '2026-11-21 07:00:00.123456', '2030-05-05T05:05:05.555Z'],
      ...['yesterday', '2026-13-01T00:00:00Z', 'table 5', 7, null, {}],
    ),
  },
)
/** A line of another line's making: an index, taken modulo what there is. */
const place = fc.nat(60)

const counters = fc.record(
  {
    promptTokens: fc.constantFrom<Json>(0, 5, 412, Number.MAX_SAFE_INTEGER, -3, 1.5, '9', null),
    completionTokens: fc.nat(99),
    thinkingTokens: fc.nat(9),
    apiCalls: fc.constantFrom(0, 7),
    stopReason: fc.constant('end'),
  },
  { requiredKeys: [] },
)
const usage = fc.oneof(
  { weight: 4, arbitrary: counters as fc.Arbitrary<Json> },
  { weight: 1, arbitrary: fc.constantFrom<Json>(5, null) },
)
const agent = fc.constantFrom<Json>('main', 'coder', '__proto__', '', 5)
const role = fc.constantFrom('user', 'assistant', 'tool', '')

const extras: fc.Arbitrary<JsonObject> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<JsonObject>(
      { name: 'x', meta: { a: [1, null] } },
      { toolCalls: '[{"id":"c1"},{"id":"c2"}]' },
      { tool_calls: [{ id: 'c1' }] },
      { toolCallId: 'c1' },
      { tool_call_id: 'c2' },
      { own: 5 },
      { own: ['a'] },
      { own: { id: 'mine' } },
      { value: 1 },
      { received: 'r1' },
      { received: 'r2', answers: ['m1'] },
      { received: 5 },
      { answers: ['m1', 'm2'] },
      { answers: [5] },
      JSON.parse('{"__proto__":{"role":"x"},"constructor":1,"toString":"t"}'),
    ),
  },
)
const own: fc.Arbitrary<JsonObject> = fc.constantFrom<JsonObject>(
  { type: 'message' },
  { type: 'message', own: { id: 'm1' } },
  { type: 'message', own: { id: 7, at: 'then', type: 'remove', own: [1] } },
  { type: 'message', own: {} },
  { type: 'message', received: 'r1', own: { received: 'mine', answers: ['x'] } },
  { type: 'message', answers: ['m1'], own: 'text' },
  { type: 'message', own: 'text' },
  JSON.parse('{"type":"message","own":{"__proto__":1,"role":"other"}}'),
)

const message = fc
  .record({ role, content, usage, agent, extras, own }, { requiredKeys: ['role', 'extras'] })
  .map(({ extras: more, own: clash, ...fields }): JsonObject => ({ ...fields, ...more, ...clash }))

const metadata: fc.Arbitrary<Json> = fc.oneof(
  fc.dictionary(fc.constantFrom('todo', 'k', '', '__proto__', 'constructor'), text, {
    maxKeys: 3,
  }) as fc.Arbitrary<Json>,
  fc.constantFrom<Json>(JSON.parse('{"__proto__":"x"}'), 5, null),
)
const carriedUsage: fc.Arbitrary<Json> = fc.oneof(
  fc.dictionary(fc.constantFrom('main', 'coder', '__proto__'), counters, { maxKeys: 2 }) as fc.Arbitrary<Json>,
  fc.constantFrom<Json>({}, null, { main: 3 }),
)
const instant = fc.constantFrom<Json>(
  ...['2026-11-20T00:00:00.000Z', '2026-12-24T00:00:00Z', '+012026-01-01T00:00:00.000Z', 'never', 'table 5', 5, null],
)
const labels = fc.record(
  {
    name: fc.oneof(text, fc.constant(null)),
    tags: fc.constant(['work', 'é']),
    metadata,
    state: content,
    createdAt: instant,
    turnCount: fc.nat(9),
    future: fc.constantFrom<Json>(1, { a: 1 }),
  },
  { requiredKeys: [] },
)
const carriedRefs: fc.Arbitrary<Json> = fc.constantFrom<Json>(
  [['r1', 'm1']],
  [
    ['r3', idAt(3)],
    ['r4', 5],
  ],
  null,
  [],
)
const carry = fc.record({ carriedUsage, carriedRefs, lastActivity: instant, createdAt: instant }, { requiredKeys: [] })
const set = fc.oneof(
  labels,
  carry,
  fc.constant({}),
  fc.tuple(labels, carry).map(([a, b]) => ({ ...a, ...b })),
)

const valueName = fc.constantFrom('session', 'a', 'b', '', '__proto__', 'constructor', '\ud800')
/** Named values and deletions; some have expired, others will, and some are no such line. */
const namedValue: fc.Arbitrary<JsonObject> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record(
        {
          name: valueName,
          value: content,
          expires: fc.constantFrom('2026-11-20T00:00:00.000Z', '2026-11-24T12:00:00.000Z', '2030-01-01', 'never'),
        },
        { requiredKeys: ['name', 'value'] },
      )
      .map((value) => value as JsonObject),
  },
  { weight: 2, arbitrary: valueName.map((name): JsonObject => ({ name })) },
  { weight: 1, arbitrary: valueName.map((name): JsonObject => ({ name, bytes: 'AAEC' })) },
  { weight: 1, arbitrary: fc.constantFrom<JsonObject>({ name: 5, value: 1 }, { value: 1 }, { name: 'a', bytes: 5 }) },
)

const otherLine = fc.oneof(
  { weight: 6, arbitrary: set.map((value) => ({ type: 'meta', set: value }) as JsonObject) },
  {
    weight: 2,
    arbitrary: fc
      .record(
        { version: fc.constantFrom(1, 1, 2, 1.5), forkedFrom: fc.constantFrom<Json>('a', 7) },
        { requiredKeys: ['version'] },
      )
      .map((more): JsonObject => ({ type: 'session', key: 'k', ...more })),
  },
  {
    weight: 2,
    arbitrary: fc.nat(5).map((revision): JsonObject => ({ type: 'commit', revision, nodes: [], leaf: null })),
  },
  { weight: 1, arbitrary: fc.constant<JsonObject>({ type: 'tombstone', ids: ['n1'] }) },
  { weight: 4, arbitrary: namedValue.map((value): JsonObject => ({ type: 'value', ...value })) },
  { weight: 2, arbitrary: content.map((value): JsonObject => ({ type: 'message', value })) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<JsonObject>(
      { type: 'note', text: 'é' },
      { type: 'remove', ids: 'm1' },
      { type: 'answered', ids: 5 },
      { type: 'meta', set: [] },
      { type: 'value' },
      { type: 'compaction', summary: null },
      { type: 'session', key: 5 },
      { type: 'message' },
      { type: null, role: 'user' },
      { type: 5, role: 'user' },
    ),
  },
)

/** Texts that a person or another program may have left, with numbers and spellings that no writer of ours makes. */
const handWritten = fc.constantFrom(
  '{"role":"user","content":"hi"}',
  '{ "role" : "user" , "content" : "hi", "n" : 1.0, "big" : 12345678901234567890 }',
  ' \t{"content":[1.0,-0,1e2],"role":"user","id":1.0,"at":12345678901234567890}\t',
  '{"\\u0069d":7,"role":"user","content":"}{\\"],"}',
  '{"id":"m1","id":5,"role":"user"}',
  '{"id":5,"id":"m2","role":"user"}',
  '{"type":"message","own":{"id":2.0},"role":"user","id":[{"a":"\\\\"}],"own":{"at":3.0}}',
  '{"role":"user","own":{"a":1.0},"at":{}}',
  '{"type":"compaction","summary":"s","through":{"a":"m1"},"id":7.0}',
  '{"type":"meta","set":{"name":"by hand"}}',
)
export const DAMAGE = [
  'this is not valid json',
  '["user","hi"]',
  '42',
  '"x"',
  'null',
  'true',
  '{"role":5,"content":"x"}',
  '{}',
  '{"id":"m1","content":"x"}',
  '{"role":"user","content":"a"}{"role":"user","content":"b"}',
  '{"role":"user","content":"\u0000"}',
  '{"role":"user","content":"cut',
  '\u0000\u0000\u0000\u0000',
  '\uFEFF\uFEFF{"role":"user"}',
].map((line) => Buffer.from(line))
DAMAGE.push(
  Buffer.from('{"role":"user","content":"\xff"}', 'latin1'),
  Buffer.from([0xe2, 0x82]),
  Buffer.from([0xc0, 0x80]),
)

/** How a line names itself, and whether before its other fields or behind them. */
interface Names {
  identity: Json
  time: Json
  namedLast: boolean
}
const names = { identity, time, namedLast: fc.boolean() }

type Step =
  | (Names & { do: 'line'; value: JsonObject; spaced: boolean })
  | (Names & { do: 'remove'; ids: Array<number | string> })
  | (Names & { do: 'answered'; ids: Array<number | string> })
  | (Names & { do: 'answer'; ids: Array<number | string> })
  | (Names & { do: 'receive'; ref: string })
  | (Names & { do: 'compaction'; through: number | Json; keep: Array<number | string> })
  | { do: 'copy'; of: number; how: 'same' | 'reordered' | 'changed' | 'crlf' }
  | { do: 'raw'; bytes: Buffer }

const target = fc.oneof(
  { weight: 5, arbitrary: place as fc.Arbitrary<number | string> },
  { weight: 1, arbitrary: fc.nat(11).map((n) => idAt(n * 3)) as fc.Arbitrary<number | string> },
  { weight: 1, arbitrary: fc.constantFrom<number | string>('m1', 'm2', 'nobody', '#200-0badf00d') },
)
const targets = fc.array(target, { maxLength: 3 })
/** Under which messages come: seldom the same twice. */
const reference = fc.nat(12).map((n) => `r${n}`)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ do: fc.constant('line' as const), value: message, ...names, spaced: fc.boolean() }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('line' as const), value: otherLine, ...names, spaced: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('remove' as const),
      ids: fc.array(target, { maxLength: 3 }),
      ...names,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('receive' as const), ref: reference, ...names }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('answered' as const), ids: targets, ...names }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('answer' as const), ids: targets, ...names }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('compaction' as const),
      keep: fc.oneof(fc.constant<Array<number | string>>([]), fc.array(target, { maxLength: 2 })),
      through: fc.oneof(
        { weight: 4, arbitrary: place as fc.Arbitrary<number | Json> },
        { weight: 1, arbitrary: fc.constantFrom<Json>(null, 'nobody', ['m1'], 'm1') },
      ),
      ...names,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('copy' as const),
      of: place,
      how: fc.constantFrom('same' as const, 'reordered' as const, 'changed' as const, 'crlf' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('raw' as const),
      bytes: fc.oneof(
        fc.constantFrom(...DAMAGE),
        handWritten.map((line) => Buffer.from(line)),
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', ' ', '\t\r').map((line): Step => ({ do: 'raw', bytes: Buffer.from(line) })),
  },
)

const TAILS = [
  '{"id":"019aa1b2-c000-7000-8000-00000000ffff","role":"us',
  '{"role":"user","content":"cut","at":"2026-11-21T07:00:00.000Z","id":"019aa1b2-c000',
  '{"role":"user","content":"écrit"}',
  '{"type":"meta","set":{"name":"open"}}\r',
  '42',
  ' ',
  '\u0000\u0000\u0000',
  '{"role":"user","content":"whole"}\u0000\u0000',
].map((tail) => Buffer.from(tail))
TAILS.push(Buffer.from([0x7b, 0x22, 0xf0, 0x9f]))

const wildTail = fc.oneof(
  { weight: 3, arbitrary: fc.constant<'closed' | 'open' | Buffer>('closed') },
  { weight: 1, arbitrary: fc.constant<'closed' | 'open' | Buffer>('open') },
  { weight: 2, arbitrary: fc.constantFrom<'closed' | 'open' | Buffer>(...TAILS) },
)

/** A log that may hold anything, read as a whole. */
export const wildLog: fc.Arbitrary<Buffer> = fc
  .record({
    steps: fc.array(step, { maxLength: 24, size: 'max' }),
    feeds: fc.constantFrom('\n', '\r\n'),
    bom: fc.nat(9).map((n) => n === 0),
    tail: wildTail,
  })
  .map(({ steps, feeds, bom, tail }) => {
    const log = new WildLog(bom ? '\uFEFF' : '')
    for (const each of steps) log.add(each, feeds)
    return readable(log.end(tail))
  })

/** Lines that another writer adds to a log: what `wildLog` holds, with ids of its own. */
export const wildLines: fc.Arbitrary<(base: Buffer, from: number) => Buffer> = fc
  .array(step, { maxLength: 8 })
  .map((steps) => {
    const linesAfter = (base: Buffer, from: number) => {
      const log = new WildLog(base, from)
      for (const each of steps) log.add(each, '\n')
      return log.bytes.subarray(base.length)
    }
    return Object.assign(linesAfter, {
      [fc.toStringMethod]: () => JSON.stringify(linesAfter(Buffer.alloc(0), 0).toString('latin1')),
    })
  })

class WildLog {
  bytes: Buffer
  #lines: Line[]
  #count: number

  constructor(start: string | Buffer, count = 0) {
    this.bytes = Buffer.from(start)
    this.#lines = parseLines(this.bytes).filter(isLine)
    this.#count = count
  }

  add(each: Step, feed: string): void {
    const line = this.#bytesOf(each)
    if (line === undefined) return
    const base = this.bytes.length
    this.bytes = Buffer.concat([this.bytes, line, Buffer.from(feed)])
    const before = base === 3 ? 0 : base
    this.#lines.push(...parseLines(this.bytes.subarray(before), before).filter(isLine))
  }

  end(tail: 'closed' | 'open' | Buffer): Buffer {
    if (tail === 'closed') return this.bytes
    if (tail !== 'open') return Buffer.concat([this.bytes, tail])
    return this.bytes.at(-1) === 0x0a ? this.bytes.subarray(0, -1) : this.bytes
  }

  #bytesOf(each: Step): Buffer | undefined {
    if (each.do === 'raw') return each.bytes
    if (each.do === 'copy') return this.#copy(each.of, each.how)
    if (each.do === 'line') return this.#line(each.value, each, each.spaced)
    if (each.do === 'remove') {
      const ids = each.ids.map((id) => (typeof id === 'number' ? this.#knownId(id) : id))
      return this.#line({ type: 'remove', ids }, each)
    }
    const named = (id: number | string) => (typeof id === 'number' ? this.#knownId(id) : id)
    if (each.do === 'receive') return this.#line({ role: 'user', content: 'q', received: each.ref }, each)
    if (each.do === 'answered') return this.#line({ type: 'answered', ids: each.ids.map(named) }, each)
    if (each.do === 'answer') return this.#line({ role: 'assistant', content: 'a', answers: each.ids.map(named) }, each)
    const through = typeof each.through === 'number' ? this.#knownId(each.through) : each.through
    const keep = each.keep.length > 0 ? { keep: each.keep.map(named) } : {}
    return this.#line({ type: 'compaction', summary: `until ${this.#count}`, through, ...keep }, each)
  }

  #line(value: JsonObject, names: Names, spaced = false): Buffer {
    this.#count++
    const line: JsonObject = {}
    if (names.identity === 'next') line.id = idAt(this.#count * 2)
    else if (names.identity !== 'none') line.id = names.identity
    if (names.time === 'next') line.at = isoTime(START + this.#count * 1000)
    else if (names.time !== 'none') line.at = names.time
    const whole = names.namedLast ? { ...value, ...line, ...value } : { ...line, ...value }
    return Buffer.from(spaced ? JSON.stringify(whole, null, ' ').replaceAll('\n', ' ') : JSON.stringify(whole))
  }

  #knownId(n: number): string {
    const line = this.#lines[n % (this.#lines.length + 1)]
    if (line === undefined) return idAt(2 * (this.#count + 2))
    return knownId(line, visibilityOf(parseLines(this.bytes)))
  }

  #copy(n: number, how: 'same' | 'reordered' | 'changed' | 'crlf'): Buffer | undefined {
    const line = this.#lines[n % Math.max(1, this.#lines.length)]
    if (line === undefined) return undefined
    if (how === 'reordered')
      return Buffer.from(JSON.stringify(Object.fromEntries(Object.entries(line.value).reverse())))
    if (how === 'changed') return Buffer.from(JSON.stringify({ ...line.value, content: `other ${n % 3}` }))
    const raw = this.bytes.subarray(line.offset, line.end).toString().trim().replace('\uFEFF', '')
    return Buffer.from(how === 'crlf' ? `${raw}\r` : raw)
  }
}

type OwnStep =
  | { do: 'append'; messages: JsonObject[] }
  | { do: 'remove'; count: number; also: boolean }
  | { do: 'compaction'; through: number | null }
  | { do: 'receive'; ref: string }
  | { do: 'answer'; count: number; silent: boolean }
  | { do: 'meta'; set: JsonObject }
  | { do: 'value'; name: string; value: Json | undefined; expires: string | undefined }
  | { do: 'commit' }
  | { do: 'rewrite' }
  | { do: 'purge' }
  | { do: 'foreign'; line: string }

const ownMessage = fc.record({ role, content, usage, agent, extras }, { requiredKeys: ['content', 'extras'] })
const ownStep: fc.Arbitrary<OwnStep> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      messages: fc.array(
        ownMessage.map(({ extras: more, ...fields }): JsonObject => ({ ...fields, ...more })),
        { minLength: 1, maxLength: 3 },
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('remove' as const),
      count: fc.integer({ min: 1, max: 3 }),
      also: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compaction' as const), through: fc.option(place) }) },
  { weight: 3, arbitrary: reference.map((ref): OwnStep => ({ do: 'receive', ref })) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      count: fc.integer({ min: 1, max: 3 }),
      silent: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('meta' as const), set: labels as fc.Arbitrary<JsonObject> }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('value' as const),
      name: valueName,
      value: fc.option(content, { nil: undefined }),
      expires: fc.option(fc.constantFrom('2026-11-20T00:00:00.000Z', '2030-01-01T00:00:00.000Z'), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.constant<OwnStep>({ do: 'commit' }) },
  { weight: 1, arbitrary: fc.constant<OwnStep>({ do: 'rewrite' }) },
)

/** What a program that knows no ids appends: a few texts again and again, some with times. */
const foreignStep = fc
  .constantFrom(
    '{"role":"user","content":"hi"}',
    '{"role":"user","content":"hi"}',
    '{"role":"assistant","content":"ok","at":"2026-11-21T08:00:00.000Z"}',
  )
  .map((line): OwnStep => ({ do: 'foreign', line }))

function logOf(steps: fc.Arbitrary<OwnStep>): fc.Arbitrary<Buffer> {
  return fc
    .record({
      steps: fc.array(steps, { maxLength: 20, size: 'max' }),
      pace: fc.constantFrom(-5, 0, 1, 1000),
      order: fieldOrder,
      tail: fc.constantFrom('', '', '{"id":"019a', '{"role":"us', '\u0000\u0000'),
    })
    .map(({ steps, pace, order, tail }) => {
      const log = new OwnLog(pace, order)
      for (const each of steps) log.add(each)
      return readable(Buffer.concat([log.bytes, Buffer.from(tail)]))
    })
}

/** A log as this library's writers leave it: rising ids and times, removals of what is there, rewrites. */
export const ownLog = logOf(ownStep)
/** The same with lines of another program in between. */
export const mixedLog = logOf(fc.oneof({ weight: 2, arbitrary: ownStep }, { weight: 1, arbitrary: foreignStep }))
/** The same, never rewritten: all its stand-in ids name the place where their line stands. */
export const grownLog = logOf(
  fc.oneof(
    { weight: 2, arbitrary: ownStep.filter((each) => each.do !== 'rewrite') },
    { weight: 1, arbitrary: foreignStep },
  ),
)

/** What happens to a log on two machines after they have parted: the log before, and the log of each. */
export interface Parted {
  base: Buffer
  ours: Buffer
  theirs: Buffer
  /** Goes on with a log as one of the two machines. */
  grow: Array<(log: Buffer) => Buffer>
}

const pace = fc.constantFrom(0, 1, 1000)
const ownSteps = fc.array(
  fc.oneof({ weight: 16, arbitrary: ownStep }, { weight: 1, arbitrary: fc.constant<OwnStep>({ do: 'purge' }) }),
  {
    maxLength: 10,
    size: 'max',
  },
)
const foreignSteps = fc.array(fc.oneof({ weight: 2, arbitrary: ownStep }, { weight: 1, arbitrary: foreignStep }), {
  maxLength: 8,
  size: 'max',
})

/** Two descendants of a log, each with a clock and with lengths of its own, and four more stretches of work. */
function partedBy(steps: fc.Arbitrary<OwnStep[]>): fc.Arbitrary<Parted> {
  const machine = fc.record({
    steps,
    more: steps,
    last: steps,
    pace,
    order: fieldOrder,
    late: fc.constantFrom(0, 0, 500, 60_000),
  })
  return fc
    .record({ before: steps, pace, order: fieldOrder, ours: machine, theirs: machine })
    .map(({ before, pace: step, order, ours, theirs }) => {
      const first = new OwnLog(step, order)
      for (const each of before) first.add(each)
      const base = first.bytes
      const goOn = (side: typeof ours, what: OwnStep[], place: number) => {
        const work = (log: Buffer) => {
          const fileTime = isoTime(Date.parse(FILE_TIME) + place)
          const next = new OwnLog(side.pace, side.order, { log, clock: first.clock + side.late + place, fileTime })
          for (const each of what) next.add(each)
          return next.bytes
        }
        return Object.assign(work, { [fc.toStringMethod]: () => JSON.stringify(what) })
      }
      return {
        base: readable(base),
        ours: readable(goOn(ours, ours.steps, 1)(base)),
        theirs: readable(goOn(theirs, theirs.steps, 2)(base)),
        grow: [
          goOn(ours, ours.more, 3),
          goOn(theirs, theirs.more, 4),
          goOn(ours, ours.last, 5),
          goOn(theirs, theirs.last, 6),
        ],
      }
    })
}

export const parted = partedBy(ownSteps)
/** The same with lines of another program, which have no ids. */
export const partedMixed = partedBy(foreignSteps)

class OwnLog {
  bytes: Buffer
  readonly #ids = new IdSource()
  readonly #pace: number
  readonly #order: FieldOrder
  #written = 0
  readonly #fileTime: string
  /** No line is earlier. */
  readonly #floor: number
  clock = START

  constructor(pace: number, order: FieldOrder, former?: { log: Buffer; clock: number; fileTime: string }) {
    this.#pace = pace
    this.#order = order
    this.#fileTime = former?.fileTime ?? FILE_TIME
    this.clock = former?.clock ?? START
    this.#floor = START
    if (former === undefined) this.bytes = Buffer.from(this.#inOrder(headerLine(this.#stamp(), 'key')))
    else {
      this.bytes = former.log
      const pieces = parseLines(former.log)
      this.#floor = Date.parse(foldAll(pieces, visibilityOf(pieces)).lastAt ?? isoTime(START))
    }
  }

  add(each: OwnStep): void {
    if (each.do === 'rewrite') this.#rewrite()
    else if (each.do === 'purge') this.#purge()
    else if (each.do === 'foreign') this.bytes = Buffer.concat([this.bytes, Buffer.from(`${each.line}\n`)])
    else
      this.bytes = Buffer.concat([
        this.bytes,
        Buffer.from(
          this.#linesOf(each)
            .map((line) => this.#inOrder(line))
            .join(''),
        ),
      ])
  }

  #inOrder(line: string): string {
    const isFormer = this.#order === 'former' || (this.#order === 'mixed' && this.#written++ % 2 === 0)
    return isFormer ? inFormerOrder(line) : line
  }

  #stamp(): Stamp {
    this.clock += this.#pace
    return { id: this.#ids.next(this.clock), at: isoTime(Math.max(this.#floor, this.clock)) }
  }

  #linesOf(each: Exclude<OwnStep, { do: 'rewrite' | 'purge' | 'foreign' }>): string[] {
    if (each.do === 'append') return each.messages.map((one) => this.#messageLine(one))
    return [...this.#carried(), ...this.#changes(each)]
  }

  /** What has no role is written as `SessionManager` does. */
  #messageLine(message: JsonObject): string {
    if ('role' in message) return messageLine(this.#stamp(), messageText(message))
    return rolelessLine(this.#stamp(), message)
  }

  /** A change that is no message must not move the time of messages without one, which is the file's. */
  #carried(): string[] {
    const pieces = parseLines(this.bytes)
    const { undated } = foldAll(pieces, visibilityOf(pieces))
    return undated ? [metaLine(this.#stamp(), { lastActivity: isoTime(START + this.bytes.length * 1000) })] : []
  }

  #changes(each: Exclude<OwnStep, { do: 'rewrite' | 'purge' | 'foreign' | 'append' }>): string[] {
    if (each.do === 'meta') return [metaLine(this.#stamp(), each.set)]
    if (each.do === 'value') return [valueLine(this.#stamp(), valueText(each.name, each.value, each.expires))]
    if (each.do === 'commit') {
      return [commitLine(this.#stamp(), '"revision":1,"nodes":[],"leaf":null')]
    }
    const live = this.#live(isChat)
    const waiting = this.#waiting()
    if (each.do === 'compaction') {
      const through = each.through === null ? null : (live[each.through % Math.max(1, live.length)] ?? null)
      return [compactionLine(this.#stamp(), 'what was said', through, waiting)]
    }
    if (each.do === 'receive') {
      const received = messageText({ role: 'user', content: 'from outside' })
      return [messageLine(this.#stamp(), received, { received: each.ref })]
    }
    if (each.do === 'answer') {
      const ended = waiting.slice(0, each.count)
      const answer = messageText({ role: 'assistant', content: 'an answer' })
      if (each.silent) return ended.length === 0 ? [] : [answeredLine(this.#stamp(), ended)]
      return [messageLine(this.#stamp(), answer, { answers: ended })]
    }
    const ids = (each.also ? this.#live(({ kind }) => kind === 'message') : live).slice(-each.count)
    if (each.also) ids.push(...this.#live(({ kind }) => kind === 'compaction'))
    return ids.length === 0 ? [] : [removeLine(this.#stamp(), ids)]
  }

  #waiting(): string[] {
    const pieces = parseLines(this.bytes)
    return foldAll(pieces, visibilityOf(pieces)).waiting.map(({ id }) => id)
  }

  #live(which: (line: Line) => boolean): string[] {
    const pieces: Piece[] = parseLines(this.bytes)
    const visibility = visibilityOf(pieces)
    return pieces
      .filter(isLine)
      .filter((line) => which(line) && isLive(line, visibility))
      .map((line) => knownId(line, visibility))
  }

  #rewrite(): void {
    const result = rewrite(this.bytes, this.#fileTime, () => this.#ids.next(this.clock))
    if (result !== null) this.bytes = result
  }

  #purge(): void {
    const plan = planOf(this.bytes, this.#fileTime, { purge: true })
    const visibility = visibilityOf(parseLines(this.bytes))
    if (plan !== null)
      this.bytes = applyPlan(this.bytes, plan, visibility, this.#fileTime, () => this.#ids.next(this.clock))
  }
}
