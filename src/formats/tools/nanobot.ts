/** nanobot: a header `{_type:"metadata"}`, then messages in the shape of OpenAI's, in a file that is rewritten at each save. */
import type { JsonObject } from '../../base/json.js'
import { countOf, objectOf, openAiCalls, textOr } from '../shared/blocks.js'
import type { Draft } from '../shared/draft/draft.js'
import { others } from '../shared/fields.js'
import type { UnitFormat } from '../shared/format.js'
import type { Job, Verdict } from '../shared/job.js'
import { LinearReader } from '../shared/linear.js'
import { roleOf } from '../shared/roles.js'
import { readTime } from '../shared/times.js'
import type { Unit } from '../shared/unit.js'

const FIELDS = new Set(['role', 'content', 'timestamp', 'tool_calls', 'tool_call_id', 'reasoning_content'])
/** What stands for consolidated messages: nanobot keeps what it remembers of them in files of its own. */
const CONSOLIDATED = 'Earlier messages were consolidated by nanobot into its memory files.'

class NanobotReader extends LinearReader {
  #consolidated = 0
  #messages = 0

  protected override begin(id: string): Draft {
    const draft = super.begin(id)
    draft.labels.agent = 'nanobot'
    return draft
  }

  protected timeIn({ timestamp, _type, created_at }: JsonObject) {
    return readTime(timestamp ?? (_type === 'metadata' ? created_at : undefined))
  }

  protected read(unit: Unit): Verdict {
    const { value } = unit
    if (value._type === 'metadata') return this.#header(unit)
    const role = value._type === undefined ? roleOf(value.role) : undefined
    if (role === undefined) {
      this.session.record(unit, value.timestamp)
      return 'record'
    }
    const calls = openAiCalls(value.tool_calls)
    this.session.message(unit, {
      at: value.timestamp,
      role,
      content: value.content === '' && calls.length > 0 ? null : (value.content ?? null),
      thinking:
        typeof value.reasoning_content === 'string' ? [{ type: 'thinking', thinking: value.reasoning_content }] : [],
      calls,
      toolCallId: textOr(value.tool_call_id),
      source: { ...others(value, FIELDS), ...(role === value.role ? {} : { role: value.role ?? null }) },
    })
    this.#messages++
    if (this.#messages === this.#consolidated) {
      this.session.compaction(unit, value.timestamp, CONSOLIDATED, this.session.lastMessage)
    }
    return 'used'
  }

  #header(unit: Unit): Verdict {
    const { key, created_at, metadata, last_consolidated } = unit.value
    const draft = this.begin(textOr(key) ?? decodedStem(this.job) ?? this.job.file.stem)
    draft.createdAt = textOr(created_at)
    draft.setName(objectOf(metadata).title)
    this.#consolidated = countOf(last_consolidated)
    draft.keep(unit, created_at)
    return 'used'
  }
}

/** The key that a file's name spells in base64url. */
function decodedStem({ file: { stem } }: Job): string | undefined {
  const bytes = Buffer.from(stem, 'base64url')
  const text = bytes.toString('utf8')
  const isText = text !== '' && !/[\x00-\x1f\x7f\uFFFD]/.test(text)
  return isText && bytes.toString('base64url') === stem ? text : undefined
}

export const nanobot: UnitFormat = {
  kind: 'units',
  name: 'nanobot',
  title: 'nanobot sessions (*.jsonl)',
  hints: ['nanobot'],
  sniff({ shape, objects }) {
    const isHeader = shape === 'lines' && objects[0]?._type === 'metadata'
    return isHeader ? { weight: 3, why: 'a header with _type metadata' } : undefined
  },
  reader: (job, _file, { state }) => new NanobotReader(job, state),
}
