/** llm: the array of `llm logs --json`, one object a response. */
import type { JsonObject } from '../../base/json.js'
import { type CallUsage, countOf, objectOf, objectsOf, parsedArguments, textOr } from '../shared/blocks.js'
import type { Draft } from '../shared/draft/draft.js'
import { others } from '../shared/fields.js'
import type { DocumentFormat } from '../shared/format.js'
import { countVerdict, noCounts } from '../shared/job.js'
import { type Unit, unitOf } from '../shared/unit.js'

const FIELDS = new Set([
  'id',
  'prompt',
  'system',
  'response',
  'conversation_id',
  'conversation_name',
  'datetime_utc',
  'tool_calls',
  'tool_results',
])

function usageOf({ input_tokens, output_tokens, token_details }: JsonObject): CallUsage {
  const details = objectOf(token_details)
  return {
    promptTokens: countOf(input_tokens),
    completionTokens: countOf(output_tokens),
    cacheReadTokens: countOf(objectOf(details.prompt_tokens_details).cached_tokens),
    thinkingTokens: countOf(objectOf(details.completion_tokens_details).reasoning_tokens),
  }
}

function writeResponse(draft: Draft, unit: Unit, system: string | undefined): void {
  const { value } = unit
  const id = textOr(value.id)
  const at = value.datetime_utc
  if (system !== undefined) draft.message(unit, { id, part: 'system', at, role: 'system', content: system })
  const results = objectsOf(value.tool_results)
  results.forEach((result, index) => {
    draft.message(unit, {
      id,
      part: `result ${index}`,
      at,
      role: 'tool',
      content: result.output ?? null,
      toolCallId: textOr(result.tool_call_id),
      source: others(result, new Set(['output', 'tool_call_id'])),
    })
  })
  const prompt = value.prompt ?? ''
  if (prompt !== '' || results.length === 0)
    draft.message(unit, { id, part: 'prompt', at, role: 'user', content: prompt })
  const calls = objectsOf(value.tool_calls).map((call) => ({
    id: textOr(call.tool_call_id),
    name: call.name ?? null,
    arguments: parsedArguments(call.arguments),
  }))
  const content = value.response === '' && calls.length > 0 ? null : (value.response ?? null)
  draft.setMetadata('model', value.model)
  draft.message(unit, {
    id,
    at,
    role: 'assistant',
    content,
    calls,
    usage: usageOf(value),
    source: others(value, FIELDS),
  })
}

export const llm: DocumentFormat = {
  kind: 'document',
  name: 'llm',
  title: '`llm logs --json`',
  hints: ['llm'],
  sniff({ shape, objects }) {
    const isLog =
      shape === 'array' &&
      objects.some((value) => 'prompt' in value && 'response' in value && 'conversation_id' in value)
    return isLog ? { weight: 3, why: 'responses with prompt and conversation_id' } : undefined
  },
  convert(value, job) {
    const counts = noCounts()
    const sorted = objectsOf(value)
      .map((response, index) => unitOf(response, index + 1))
      .sort((a, b) =>
        `${a.value.id}` < `${b.value.id}` ? -1 : `${a.value.id}` > `${b.value.id}` ? 1 : a.line - b.line,
      )
    const systems = new Map<Draft, string>()
    for (const unit of sorted) {
      const { conversation_id, conversation_name, id, system } = unit.value
      const draft = job.session(textOr(conversation_id) ?? textOr(id) ?? job.file.stem)
      draft.labels.agent = 'llm'
      if (draft.labels.name === undefined) draft.setName(conversation_name)
      const prompt = textOr(system)
      const isNew = prompt !== undefined && prompt !== systems.get(draft)
      if (isNew) systems.set(draft, prompt)
      writeResponse(draft, unit, isNew ? prompt : undefined)
      countVerdict(counts, 'used')
    }
    return counts
  },
}
