/** aider: `.aider.chat.history.md`, Markdown in which `#### ` begins a user message and `> ` a notice. */

import type { Draft } from '../shared/draft/draft.js'
import type { TextFormat } from '../shared/format.js'
import { type Counts, countVerdict, type Job, noCounts } from '../shared/job.js'
import { unitOf } from '../shared/unit.js'

const START = /^# aider chat started at (.+?)\s*$/
const USER = '#### '
const NOTICE = '> '

/** What the lines that are read make together. */
interface Part {
  role: 'user' | 'assistant'
  line: number
  lines: string[]
}

class AiderReader {
  readonly counts: Counts = noCounts()
  readonly #job: Job
  #draft: Draft | undefined
  #sessions = 0
  #at: string | undefined
  #part: Part | undefined

  constructor(job: Job) {
    this.#job = job
  }

  read(text: string): void {
    let before = ''
    const lines = text.replace(/^\uFEFF/, '').split('\n')
    if (lines.at(-1) === '') lines.pop()
    lines.forEach((raw, index) => {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw
      countVerdict(this.counts, this.#line(line, index + 1, before))
      before = line
    })
    this.#close()
  }

  #line(line: string, number: number, before: string): 'used' | 'record' | 'blank' {
    const start = START.exec(line)
    if (start !== null) {
      this.#begin(start[1] as string, line, number)
      return 'used'
    }
    if (this.#draft === undefined) {
      if (line.trim() === '') return 'blank'
      this.#begin(undefined, undefined, number)
    }
    const isUser = line.startsWith(USER) && (before.trim() === '' || before.startsWith(USER))
    if (isUser) this.#add('user', line.slice(USER.length).trimEnd(), number)
    else if (line.startsWith(NOTICE)) {
      this.#close()
      this.#draft?.record(unitOf({ text: line }, number), this.#at)
      return 'record'
    } else if (line.trim() === '') {
      // it ends the user message, and is a part of the model's message
      if (this.#part?.role === 'user') this.#close()
      else this.#part?.lines.push(line)
      return 'blank'
    } else this.#add('assistant', line, number)
    return 'used'
  }

  #begin(at: string | undefined, line: string | undefined, number: number): void {
    this.#close()
    this.#sessions++
    const name = `${this.#job.file.name}#${this.#sessions}`
    this.#draft = this.#job.session(name)
    this.#draft.labels.agent = 'aider'
    this.#at = at
    if (at !== undefined) this.#draft.createdAt = at
    if (line === undefined) return
    this.#draft.keep(unitOf({ text: line }, number), at)
  }

  #add(role: Part['role'], line: string, number: number): void {
    if (this.#part?.role !== role) {
      this.#close()
      this.#part = { role, line: number, lines: [] }
    }
    this.#part?.lines.push(line)
  }

  #close(): void {
    const part = this.#part
    this.#part = undefined
    if (part === undefined) return
    while (part.lines.at(-1)?.trim() === '') part.lines.pop()
    const content = part.lines.join('\n')
    this.#draft?.message(unitOf({ role: part.role, text: content }, part.line), {
      at: this.#at,
      role: part.role,
      content,
    })
  }
}

export const aider: TextFormat = {
  kind: 'text',
  name: 'aider',
  title: 'aider chat histories (.aider.chat.history.md)',
  hints: ['aider'],
  sniff({ text }) {
    return /^# aider chat started at /m.test(text) ? { weight: 3, why: 'a line "# aider chat started at"' } : undefined
  },
  convert(text, job) {
    const reader = new AiderReader(job)
    reader.read(text)
    return reader.counts
  },
}
