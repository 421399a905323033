/** ChatGPT's export: an array of conversations, each a tree of nodes with the place where it was left. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import { type Call, contentOf, listOf, objectOf, objectsOf, textOr, without } from '../shared/blocks.js'
import type { Draft } from '../shared/draft/draft.js'
import { others } from '../shared/fields.js'
import type { UnitFormat, UnitReader } from '../shared/format.js'
import { type Counts, countVerdict, type Job, noCounts, type Verdict } from '../shared/job.js'
import { roleOf } from '../shared/roles.js'
import { type Unit, unitOf } from '../shared/unit.js'

const FIELDS = new Set(['id', 'author', 'create_time', 'content', 'recipient'])

/** Nodes from `leaf` up to the root, the root first. A cycle ends where it would begin anew. */
function pathTo(mapping: JsonObject, leaf: string | undefined): string[] {
  const path: string[] = []
  const seen = new Set<string>()
  for (
    let id = leaf;
    id !== undefined && !seen.has(id) && isObject(own(mapping, id));
    id = textOr(objectOf(own(mapping, id)).parent)
  ) {
    seen.add(id)
    path.push(id)
  }
  return path.reverse()
}

function own(mapping: JsonObject, id: string): Json | undefined {
  return Object.hasOwn(mapping, id) ? mapping[id] : undefined
}

function contentIn(content: JsonObject): Json {
  if (typeof content.text === 'string') return content.text
  if (typeof content.result === 'string') return content.result
  const parts = listOf(content.parts)
  return parts.length === 0 ? '' : contentOf(parts)
}

/** Writes the nodes of one path. */
class Conversation {
  readonly counts: Counts = noCounts()
  readonly #draft: Draft
  #thinking: Json[] = []
  /** The call to which the next tool's message is the result. */
  #call: string | undefined
  #line = 0

  constructor(draft: Draft) {
    this.#draft = draft
  }

  offPath(id: string, message: JsonObject): void {
    this.#draft.left.add(id)
    this.#draft.record(unitOf(message, ++this.#line), message.create_time)
    countVerdict(this.counts, 'offPath')
  }

  add(id: string, message: JsonObject): void {
    const unit = unitOf(message, ++this.#line)
    countVerdict(this.counts, this.#write(unit, id, message))
  }

  #write(unit: Unit, id: string, message: JsonObject): 'used' | 'record' {
    const content = objectOf(message.content)
    const author = objectOf(message.author)
    const role = roleOf(author.role)
    const at = message.create_time
    const isThinking = content.content_type === 'thoughts' || content.content_type === 'reasoning_recap'
    if (isThinking) {
      this.#thinking.push(...(Array.isArray(content.thoughts) ? content.thoughts : [content]))
      this.#draft.keep(unit, at)
      return 'used'
    }
    const text = contentIn(content)
    const isHidden = objectOf(message.metadata).is_visually_hidden_from_conversation === true || role === 'system'
    if (role === undefined || (isHidden && text === '')) {
      this.#draft.record(unit, at)
      return 'record'
    }
    const { model_slug } = objectOf(message.metadata)
    this.#draft.setMetadata('model', model_slug)
    const recipient = textOr(message.recipient) ?? 'all'
    const isCall = role === 'assistant' && recipient !== 'all'
    const calls: Call[] = isCall ? [{ id, name: recipient, arguments: argumentsOf(content, text) }] : []
    const isFirstAnswer = role === 'tool' && this.#call !== undefined
    const source: JsonObject = { ...others(message, FIELDS), content: without(content, 'parts', 'text') }
    if (Object.keys(without(author, 'role', 'metadata', 'name')).length > 0 || author.name) source.author = author
    this.#draft.message(unit, {
      id,
      at,
      role,
      content: isCall ? null : text,
      thinking: role === 'assistant' ? this.#thinking : [],
      calls,
      toolCallId: isFirstAnswer ? this.#call : undefined,
      source,
    })
    if (role === 'assistant') this.#thinking = []
    if (isCall) this.#call = id
    else if (role === 'tool') this.#call = undefined
    return 'used'
  }
}

function argumentsOf(content: JsonObject, text: Json): Json {
  if (typeof text !== 'string') return text
  const { language } = content
  try {
    const value: Json = JSON.parse(text)
    if (isObject(value)) return value
  } catch {
    // code in another language than JSON
  }
  return typeof language === 'string' && language !== 'unknown' ? { code: text, language } : text
}

class ChatGptReader implements UnitReader {
  readonly #job: Job
  #empty = 0

  constructor(job: Job) {
    this.#job = job
  }

  push(unit: Unit): Verdict {
    const { value } = unit
    if (!isObject(value.mapping)) return { bad: 'a conversation without a mapping' }
    const { mapping } = value
    const said = Object.keys(mapping).filter((id) => isObject(objectOf(own(mapping, id)).message))
    if (said.length === 0) {
      this.#empty++
      return { ...noCounts(), lines: 1, blank: 1 }
    }
    const id = textOr(value.conversation_id) ?? textOr(value.id) ?? `${this.#job.file.name}#${unit.line}`
    const path = pathTo(mapping, textOr(value.current_node) ?? said.at(-1))
    const conversation = this.#write(this.#job.session(id), value, mapping, path, said)
    if (this.#job.options.branches === 'all') this.#branches(id, value, mapping, path, said)
    return conversation.counts
  }

  #write(
    draft: Draft,
    value: JsonObject,
    mapping: JsonObject,
    path: readonly string[],
    said: readonly string[],
  ): Conversation {
    draft.labels.agent = 'chatgpt'
    draft.setName(value.title)
    if (typeof value.create_time === 'number') draft.createdAt = `${value.create_time}`
    const conversation = new Conversation(draft)
    draft.keep(unitOf(without(value, 'mapping'), 0), value.create_time)
    for (const node of path) {
      const { message } = objectOf(own(mapping, node))
      if (isObject(message)) conversation.add(node, message)
    }
    const onPath = new Set(path)
    for (const node of said)
      if (!onPath.has(node)) conversation.offPath(node, objectOf(objectOf(own(mapping, node)).message))
    this.#job.close(draft)
    return conversation
  }

  /** Each other end of the tree as a session of its own. */
  #branches(
    id: string,
    value: JsonObject,
    mapping: JsonObject,
    path: readonly string[],
    said: readonly string[],
  ): void {
    for (const leaf of said) {
      const { children } = objectOf(own(mapping, leaf))
      if (path.includes(leaf) || listOf(children).some((child) => said.includes(`${child}`))) continue
      const draft = this.#job.session(`${id}/branch-${leaf}`)
      draft.setMetadata('parent', `${this.#job.format}/${id}`)
      draft.isFork = true
      this.#write(draft, value, mapping, pathTo(mapping, leaf), [])
    }
  }

  end(): void {
    if (this.#empty > 0)
      this.#job.warn(`${this.#empty} conversation${this.#empty === 1 ? '' : 's'} without messages skipped`)
    this.#empty = 0
  }
}

export const chatgpt: UnitFormat = {
  kind: 'units',
  name: 'chatgpt',
  title: "ChatGPT's export (conversations.json)",
  hints: ['chatgpt', 'conversations.json'],
  sniff({ shape, objects }) {
    const isExport = shape === 'array' && objectsOf([...objects]).some(({ mapping }) => isObject(mapping))
    return isExport ? { weight: 3, why: 'conversations with a mapping' } : undefined
  },
  reader: (job) => new ChatGptReader(job),
}
