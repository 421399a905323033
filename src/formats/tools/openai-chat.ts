/** Lines of OpenAI's chat format, as for fine-tuning: one conversation a line, `{messages, tools?}`. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import { objectOf, openAiCalls, parsedArguments, textOr, without } from '../shared/blocks.js'
import type { Draft } from '../shared/draft/draft.js'
import type { UnitFormat, UnitReader } from '../shared/format.js'
import type { Job, Verdict } from '../shared/job.js'
import { roleOf } from '../shared/roles.js'
import { partsOf, type Unit, unitOf } from '../shared/unit.js'

function writeMessage(draft: Draft, unit: Unit): void {
  const message = unit.value
  const role = roleOf(message.role) ?? 'user'
  const old = message.function_call === undefined ? [] : [oldCall(objectOf(message.function_call))]
  const calls = [...openAiCalls(message.tool_calls), ...old]
  draft.message(unit, {
    role,
    content: message.content ?? null,
    calls,
    toolCallId: textOr(message.tool_call_id) ?? (message.role === 'function' ? textOr(message.name) : undefined),
    fields: typeof message.name === 'string' ? { name: message.name } : {},
    // what its exporter needs to restore the same message
    source: { message },
  })
}

/** Calls of the time before tools had ids: the function's name is the id. */
function oldCall({ name, arguments: given }: JsonObject) {
  return { id: textOr(name), name: name ?? null, arguments: parsedArguments(given) }
}

class OpenAiReader implements UnitReader {
  readonly #job: Job

  constructor(job: Job) {
    this.#job = job
  }

  push(unit: Unit): Verdict {
    const { value } = unit
    const { messages, preferred_output, input } = value
    const isPair = Array.isArray(preferred_output)
    const asked = isPair ? objectOf(input).messages : messages
    if (!Array.isArray(asked) || !asked.every(isObject)) return { bad: 'no list of messages' }
    const said = isPair ? [...asked, ...preferred_output.filter(isObject)] : asked
    const draft = this.#job.session(`${this.#job.file.name}#${unit.line}`)
    const rest = isPair
      ? { ...without(value, 'preferred_output'), input: without(objectOf(input), 'messages') }
      : without(value, 'messages')
    for (const [name, label] of Object.entries(isPair ? objectOf(rest.input) : rest)) {
      if (isLabel(name)) draft.setMetadata(name, typeof label === 'string' ? label : JSON.stringify(label))
    }
    // the line without its messages; of a pair, how many of them were the answer
    const about = { ...rest, ...(isPair ? { preferred: said.length - asked.length } : {}) }
    for (const part of partsOf(unit, said as JsonObject[])) writeMessage(draft, part)
    if (Object.keys(about).length > 0) draft.keep({ ...unitOf(about as JsonObject, unit.line) })
    this.#job.close(draft)
    return 'used'
  }

  end(): void {}
}

function isLabel(name: string): boolean {
  return ['tools', 'functions', 'parallel_tool_calls', 'tool_choice', 'response_format', 'model'].includes(name)
}

function isConversation({ messages, input, preferred_output }: JsonObject): boolean {
  const list: Json | undefined = Array.isArray(preferred_output) ? objectOf(input).messages : messages
  return (
    Array.isArray(list) &&
    list.length > 0 &&
    list.every((message) => isObject(message) && roleOf(message.role) !== undefined)
  )
}

export const openAiChat: UnitFormat = {
  kind: 'units',
  name: 'openai-chat',
  title: 'OpenAI chat lines, one conversation a line (*.jsonl)',
  hints: ['openai'],
  sniff({ shape, objects }) {
    const isChat = shape === 'lines' && objects.some((value) => !('session' in value) && isConversation(value))
    return isChat ? { weight: 2, why: 'a list of messages in each line' } : undefined
  },
  reader: (job) => new OpenAiReader(job),
}
