import type { ChatMessage } from '../../index.js'
import { escapeLine, flatten } from '../terminal/escape.js'
import type { Responder } from './responder.js'

export interface Endpoint {
  /** Up to and without `/chat/completions`. */
  baseUrl: string
  model: string
  apiKey: string | undefined
  system: string | undefined
  timeoutMs: number
  /** How many messages of the conversation the model gets to see. */
  history: number
}

/** An answer of more bytes is no chat message. */
const MAX_ANSWER = 8 * 1024 * 1024

/** Answers by any endpoint that speaks OpenAI's chat completions. */
export function endpointResponder(endpoint: Endpoint): Responder {
  return async (_, turn) => {
    const messages = await turn.context({ last: endpoint.history })
    return complete(endpoint, context(messages, endpoint.system), turn.signal)
  }
}

export interface ContextMessage {
  role: string
  content: unknown
}

/** What the model gets: role and content of the messages. Tool results mean nothing without their calls. */
export function context(messages: readonly ChatMessage[], system?: string): ContextMessage[] {
  const said = messages
    .filter(({ role, content }) => role !== 'tool' && content !== undefined && content !== null)
    .map(({ role, content }) => ({ role, content }))
  return system === undefined ? said : [{ role: 'system', content: system }, ...said]
}

async function complete(endpoint: Endpoint, messages: readonly ContextMessage[], signal: AbortSignal): Promise<string> {
  const { model, apiKey, timeoutMs } = endpoint
  try {
    const response = await fetch(`${endpoint.baseUrl.replace(/\/+$/, '')}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(apiKey ? { authorization: `Bearer ${apiKey}` } : {}) },
      body: JSON.stringify({ model, messages }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      // what is sent is for this endpoint alone
      redirect: 'manual',
    })
    const body = withoutKey(await readBody(response), apiKey)
    if (response.status >= 300 && response.status < 400)
      throw new Error('the endpoint redirects: --base-url must name where it leads')
    if (!response.ok) throw new Error(`the endpoint answered ${response.status}${reasonIn(body)}`)
    return answerIn(body)
  } catch (error) {
    throw explain(error, timeoutMs)
  }
}

/** An endpoint may repeat the key in its response, which is printed or kept. */
function withoutKey(text: string, apiKey: string | undefined): string {
  return apiKey ? text.replaceAll(apiKey, '[key]') : text
}

async function readBody(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  // Leaving the loop early cancels the rest of the response.
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > MAX_ANSWER) throw new Error(`the endpoint's response is longer than ${MAX_ANSWER / 1024 / 1024} MB`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** The text of the first choice. */
export function answerIn(body: string): string {
  let value: { choices?: { message?: { content?: unknown } }[] } | null
  try {
    value = JSON.parse(body)
  } catch {
    throw new Error(`the endpoint's response is not JSON${excerpt(body)}`)
  }
  const content = value?.choices?.[0]?.message?.content
  if (typeof content !== 'string') throw new Error(`the endpoint's response has no choices[0].message.content`)
  if (content === '') throw new Error("the endpoint's response is empty")
  return content
}

/** What an error's body says: OpenAI's `{error: {message}}`, else its beginning. */
function reasonIn(body: string): string {
  try {
    const message = JSON.parse(body)?.error?.message
    if (typeof message === 'string') return excerpt(message)
  } catch {
    // Not JSON: a proxy's page, perhaps.
  }
  return excerpt(body)
}

function excerpt(text: string): string {
  const flat = flatten(text.slice(0, 1000))
  if (flat === '') return ''
  return `: ${escapeLine(flat.length > 200 ? `${flat.slice(0, 199)}…` : flat)}`
}

/** `fetch failed` says nothing; its cause does. */
function explain(error: unknown, timeoutMs: number): unknown {
  if (!(error instanceof Error)) return error
  if (error.name === 'TimeoutError') return new Error(`no answer from the endpoint within ${timeoutMs / 1000} s`)
  const cause = error.cause as NodeJS.ErrnoException | undefined
  if (!(error instanceof TypeError) || cause === undefined) return error
  return new Error(`cannot reach the endpoint: ${cause.code ?? cause.message}`)
}
