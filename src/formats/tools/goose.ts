/** goose: JSONL until 1.9 (a header, then messages), or the object of `goose session export`. */
import type { Json, JsonObject } from '../../base/json.js'
import { type Call, contentOf, countOf, objectOf, objectsOf, textOr, without } from '../shared/blocks.js'
import type { Draft } from '../shared/draft/draft.js'
import { others } from '../shared/fields.js'
import type { DocumentFormat, UnitFormat, UnitReader } from '../shared/format.js'
import { countVerdict, type Job, noCounts, type Verdict } from '../shared/job.js'
import { type Unit, unitOf } from '../shared/unit.js'

const FIELDS = new Set(['id', 'role', 'created', 'content'])

/** The last archived message, as far as it was read. */
interface Context {
  archived: string | null
}

function writeMessage(draft: Draft, unit: Unit, context: Context): Verdict {
  const { value } = unit
  const { role, created: at, metadata } = value
  const id = textOr(value.id)
  if (role !== 'user' && role !== 'assistant') {
    draft.record(unit, at)
    return 'record'
  }
  const blocks = objectsOf(value.content)
  const { userVisible, agentVisible } = objectOf(metadata)
  if (userVisible === false && agentVisible === true) {
    const text = contentOf(blocks)
    draft.compaction(unit, at, typeof text === 'string' ? text : JSON.stringify(text), context.archived)
    return 'used'
  }
  const source = others(value, FIELDS)
  const rest: Json[] = []
  const thinking: Json[] = []
  const calls: Call[] = []
  let results = 0
  for (const block of blocks) {
    if (block.type === 'thinking' || block.type === 'redactedThinking') thinking.push(block)
    else if (block.type === 'toolRequest') {
      const { value: call, ...more } = objectOf(block.toolCall)
      const { name, arguments: given } = objectOf(call)
      calls.push({ id: textOr(block.id), name: name ?? null, arguments: given ?? null })
      if (call === undefined) source.toolCall = more
    } else if (block.type === 'toolResponse') writeResult(draft, unit, block, `result ${results++}`)
    else rest.push(block)
  }
  if (results === 0 || rest.length > 0 || calls.length > 0) {
    draft.message(unit, { id, at, role, content: contentOf(rest), thinking, calls, source })
  }
  if (agentVisible === false) context.archived = draft.lastMessage
  return 'used'
}

function writeResult(draft: Draft, unit: Unit, block: JsonObject, part: string): void {
  const { status, value, error } = objectOf(block.toolResult)
  const content = Array.isArray(value) ? value : objectOf(value).content
  const isError = status === 'error' || objectOf(value).isError === true
  const text =
    status === 'error' ? (error ?? null) : Array.isArray(content) ? contentOf(content.map(plainText)) : (value ?? null)
  draft.message(unit, {
    id: textOr(unit.value.id),
    part,
    at: unit.value.created,
    role: 'tool',
    content: text ?? '',
    toolCallId: textOr(block.id),
    source: { ...(isError ? { isError } : {}), ...(Array.isArray(content) ? { result: content } : {}) },
  })
}

/** Text blocks carry annotations, which are none of the text's. */
function plainText(block: Json): Json {
  const { type, text } = objectOf(block)
  return type === 'text' && typeof text === 'string' ? { type, text } : block
}

/** Totals of the session; the source does not contain the number of calls. */
function noteHeader(draft: Draft, header: JsonObject): void {
  draft.labels.agent = 'goose'
  draft.setRoot(header.working_dir)
  draft.setName(header.name ?? header.description)
  draft.setMetadata('model', objectOf(header.model_config).model_name)
  const total = (field: string) => countOf(header[`accumulated_${field}`] ?? header[field])
  draft.carry({ promptTokens: total('input_tokens'), completionTokens: total('output_tokens') }, 'main', 0)
}

class GooseReader implements UnitReader {
  readonly #draft: Draft
  readonly #context: Context = { archived: null }
  #hasHeader = false

  constructor(job: Job) {
    this.#draft = job.session(job.file.stem)
  }

  push(unit: Unit): Verdict {
    if (!this.#hasHeader && 'working_dir' in unit.value) {
      this.#hasHeader = true
      noteHeader(this.#draft, unit.value)
      this.#draft.keep(unit)
      return 'used'
    }
    return writeMessage(this.#draft, unit, this.#context)
  }

  end(): void {}
}

export const gooseLines: UnitFormat = {
  kind: 'units',
  name: 'goose',
  title: 'goose sessions (*.jsonl), and `goose session export`',
  hints: ['goose'],
  sniff({ shape, objects }) {
    const [first] = objects
    const isHeader = shape === 'lines' && first !== undefined && 'working_dir' in first && 'message_count' in first
    return isHeader ? { weight: 3, why: 'a header with working_dir and message_count' } : undefined
  },
  reader: (job) => new GooseReader(job),
}

export const gooseDocument: DocumentFormat = {
  kind: 'document',
  name: 'goose',
  title: gooseLines.title,
  hints: gooseLines.hints,
  sniff({ shape, objects }) {
    const [value] = objects
    const isSession = shape === 'object' && value !== undefined && 'working_dir' in value && !('mapping' in value)
    return isSession ? { weight: 3, why: 'an object with working_dir' } : undefined
  },
  convert(value, job) {
    const counts = noCounts()
    const session = objectOf(value)
    const draft = job.session(textOr(session.id) ?? job.file.stem)
    draft.createdAt = textOr(session.created_at)
    noteHeader(draft, session)
    draft.keep(unitOf(without(session, 'conversation', 'messages'), 0), session.created_at)
    const context: Context = { archived: null }
    objectsOf(session.conversation ?? session.messages).forEach((message, index) => {
      countVerdict(counts, writeMessage(draft, unitOf(message, index + 1), context) as 'used')
    })
    return counts
  },
}
