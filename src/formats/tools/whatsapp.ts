/** WhatsApp: the text of an exported chat. Heads `[date, time] name: text` in the spellings of all phones. */
import { SessionError } from '../../base/errors.js'
import type { TextFormat } from '../shared/format.js'
import { type Counts, countVerdict, type DateOrder, type Job, noCounts } from '../shared/job.js'
import { senderOf } from '../shared/senders.js'
import { unitOf } from '../shared/unit.js'
import { toUtc } from '../shared/zone.js'

const DATE = String.raw`(\d{1,4})[/.\-](\d{1,2})[/.\-](\d{1,4})`
const TIME = String.raw`(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?(?:\s*([ap])\.?\s*m\.?)?`
/** A date and a time, in brackets or before a dash. Direction marks and narrow spaces are taken out before. */
const HEAD = new RegExp(`^\\[?${DATE},? +${TIME}(?:\\]\\s*|\\s+[-–]\\s+)(.*)$`, 'i')
const SAID = /^([^:]{1,100}?):(?:\s(.*)|(.*))$/s

interface Head {
  line: number
  text: string
  numbers: [number, number, number]
  time: { hour: number; minute: number; second: number }
  rest: string
}

function headOf(raw: string, line: number): Head | undefined {
  const text = raw.replace(/[\u200e\u200f\u202a-\u202c\ufeff]/g, '').replace(/[\u00a0\u202f]/g, ' ')
  const match = HEAD.exec(text)
  if (match === null) return undefined
  const [, a, b, c, hour, minute, second, half, rest] = match
  const clock = Number(hour)
  const isHalf = half !== undefined
  const full = !isHalf ? clock : (clock % 12) + (half.toLowerCase() === 'p' ? 12 : 0)
  return {
    line,
    text: raw,
    numbers: [Number(a), Number(b), Number(c)],
    time: { hour: full, minute: Number(minute), second: Number(second ?? 0) },
    rest: rest ?? '',
  }
}

/** The order of day and month, which the numbers above 12 decide. */
function orderOf(heads: readonly Head[], given: DateOrder | undefined, name: string): DateOrder {
  if (given !== undefined) return given
  if (heads.some(({ numbers: [year] }) => year > 31)) return 'ymd'
  const isDayFirst = heads.some(({ numbers: [day] }) => day > 12)
  const isMonthFirst = heads.some(({ numbers: [, day] }) => day > 12)
  if (isDayFirst !== isMonthFirst) return isDayFirst ? 'dmy' : 'mdy'
  throw new SessionError(
    'ERR_AMBIGUOUS_DATES',
    `${name}: the dates do not show whether days or months come first; name the order (dmy, mdy or ymd)`,
    {
      file: name,
    },
  )
}

function timeOf({ numbers: [a, b, c], time }: Head, order: DateOrder, zone: string | undefined): string {
  const [year, month, day] = order === 'ymd' ? [a, b, c] : order === 'dmy' ? [c, b, a] : [c, a, b]
  const full = year < 100 ? 2000 + year : year
  return toUtc({ year: full, month, day, ...time }, zone)
}

interface Part {
  head: Head
  lines: string[]
}

class WhatsAppReader {
  readonly counts: Counts = noCounts()
  readonly #job: Job
  readonly #parts: Part[] = []

  constructor(job: Job) {
    this.#job = job
  }

  read(text: string): void {
    const lines = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
    if (lines.at(-1) === '') lines.pop()
    const before: Array<{ line: number; text: string }> = []
    lines.forEach((line, index) => {
      const head = headOf(line, index + 1)
      if (head !== undefined) this.#parts.push({ head, lines: [head.rest] })
      else if (this.#parts.length > 0) this.#parts.at(-1)?.lines.push(line)
      else before.push({ line: index + 1, text: line })
    })
    const order = orderOf(
      this.#parts.map(({ head }) => head),
      this.#job.options.dates,
      this.#job.file.name,
    )
    const { stem, folders } = this.#job.file
    // the phone names all chats alike; then the folder distinguishes them
    const draft = this.#job.session(stem === '_chat' ? (folders[0] ?? stem) : stem)
    for (const { line, text: said } of before) {
      if (said.trim() === '') countVerdict(this.counts, 'blank')
      else {
        draft.record(unitOf({ text: said }, line))
        countVerdict(this.counts, 'record')
      }
    }
    for (const part of this.#parts) this.#write(part, order)
  }

  #write({ head, lines }: Part, order: DateOrder): void {
    const { zone } = this.#job.options
    const at = timeOf(head, order, zone)
    const { stem, folders } = this.#job.file
    const draft = this.#job.session(stem === '_chat' ? (folders[0] ?? stem) : stem)
    const raw = [head.text, ...lines.slice(1)].join('\n')
    const unit = unitOf({ text: raw }, head.line)
    const said = SAID.exec(head.rest)
    for (const _ of lines) countVerdict(this.counts, said === null ? 'record' : 'used')
    if (said === null) {
      draft.record(unit, at)
      return
    }
    const [, name, spaced, close] = said
    const content = [spaced ?? close ?? '', ...lines.slice(1)].join('\n')
    draft.message(unit, { at, content, ...senderOf(this.#job, name, name), source: { text: raw } })
  }
}

export const whatsapp: TextFormat = {
  kind: 'text',
  name: 'whatsapp',
  title: 'WhatsApp chats (.txt)',
  hints: ['whatsapp', '_chat.txt'],
  sniff({ shape, text }) {
    if (shape !== 'text') return undefined
    const lines = text.split('\n').slice(0, 50)
    const heads = lines.filter((line, index) => headOf(line, index) !== undefined).length
    return heads > 0 && headOf(lines.find((line) => line.trim() !== '') ?? '', 1) !== undefined
      ? { weight: 3, why: 'heads with date and time' }
      : undefined
  },
  convert(text, job) {
    const reader = new WhatsAppReader(job)
    reader.read(text.replace(/^\uFEFF/, ''))
    return reader.counts
  },
}
