/** Export as a line of ShareGPT. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import { contentOf } from '../shared/blocks.js'
import { callsIn, type OnLeftOut } from './openai.js'
import type { LiveMessage, SessionReading } from './read-session.js'

const WORDS = new Map([
  ['user', 'human'],
  ['assistant', 'gpt'],
  ['tool', 'observation'],
])

export async function* toShareGpt(
  reading: SessionReading,
  context: boolean,
  onLeftOut: OnLeftOut,
): AsyncGenerator<string> {
  const { labels, key } = reading.heading
  const metadata = isObject(labels.metadata) ? labels.metadata : {}
  let system: Json | undefined
  let isFirst = true
  yield `{"id":${JSON.stringify(key)},"conversations":[`
  for await (const live of reading.messages({ context })) {
    const { role, content } = live.value
    // an empty field says nothing to a reader; an empty turn is one
    if (isFirst && system === undefined && role === 'system' && typeof content === 'string' && content !== '') {
      system = content
      continue
    }
    for (const turn of turnsOf(live, onLeftOut)) {
      yield `${isFirst ? '' : ','}${JSON.stringify(turn)}`
      isFirst = false
    }
  }
  const tools = typeof metadata.tools === 'string' ? `,"tools":${JSON.stringify(metadata.tools)}` : ''
  yield `]${system === undefined ? '' : `,"system":${JSON.stringify(system)}`}${tools}}\n`
}

function turnsOf({ value }: LiveMessage, onLeftOut: OnLeftOut): JsonObject[] {
  const { role, content } = value
  if (typeof role !== 'string') return []
  const calls = callsIn(value).map(({ name, arguments: given }) => ({ name: name ?? null, arguments: given ?? null }))
  const text = textFor(content, onLeftOut)
  const turns: JsonObject[] = []
  if (Array.isArray(value.thinking)) onLeftOut('thinking')
  if (calls.length === 0 || (text !== null && text !== ''))
    turns.push({ from: WORDS.get(role) ?? role, value: text ?? '' })
  if (calls.length > 0)
    turns.push({ from: 'function_call', value: JSON.stringify(calls.length === 1 ? calls[0] : calls) })
  return turns
}

function textFor(content: Json | undefined, onLeftOut: OnLeftOut): string | null {
  if (typeof content === 'string' || content === undefined || content === null) return content ?? null
  if (!Array.isArray(content)) return JSON.stringify(content)
  const texts = content.filter((part) => isObject(part) && typeof part.text === 'string')
  for (const part of content)
    if (!texts.includes(part)) onLeftOut(`content of type ${isObject(part) ? part.type : typeof part}`)
  return contentOf(
    texts,
    texts.map((part) => `${(part as JsonObject).type}`),
  ) as string | null
}
