/**
 * Conversations in short: `u hello` is a user's text, `a hi` an assistant's, `A[x,y]` an assistant with the calls
 * x and y, `A[x] text` one with text too, `T x` the result of x, `T x late` a result with this text,
 * `system note` a system message. What is read shows in the same words, a summary as `S text`.
 */
import type {
  Message,
  MessageId,
  NewMessage,
  Persistence,
  SessionId,
} from '../../../src/contracts/persistence/index.js'

/** The calls of an assistant message, as providers have them. */
export function calls(...ids: string[]): string {
  return JSON.stringify(
    ids.map((id) => ({ id, type: 'function', function: { name: 'bash', arguments: '{"cmd":"ls"}' } })),
  )
}

const resultOf = (call: string): string => `result of ${call}`

/** The message that a label stands for. */
export function message(label: string): NewMessage {
  const [head = '', ...words] = label.split(' ')
  const content = words.length > 0 ? words.join(' ') : null
  if (head === 'u') return { role: 'user', content }
  if (head === 'a') return { role: 'assistant', content }
  if (head === 'system') return { role: 'system', content }
  if (head === 'T') {
    const [toolCallId = '', ...text] = words
    return { role: 'tool', content: text.join(' ') || resultOf(toolCallId), toolCallId }
  }
  const ids = /^A\[(.*)\]$/.exec(head)?.[1]
  if (ids === undefined) throw new Error(`no message is written "${label}"`)
  return { role: 'assistant', content, toolCalls: calls(...ids.split(',')) }
}

/** The label of a message that was read. */
export function label({ kind, role, content, toolCalls, toolCallId }: Message): string {
  const text = content === null ? '' : ` ${content}`
  if (kind === 'summary') return `S${text}`
  if (role === 'user') return `u${text}`
  if (role === 'tool') return content === resultOf(toolCallId ?? '') ? `T ${toolCallId}` : `T ${toolCallId}${text}`
  if (role !== 'assistant') return `${role}${text}`
  return toolCalls === null ? `a${text}` : `A[${idsIn(toolCalls)}]${text}`
}

function idsIn(toolCalls: string): string {
  try {
    return (JSON.parse(toolCalls) as Array<{ id: string }>).map(({ id }) => id).join(',')
  } catch {
    return toolCalls
  }
}

/** Inserts one after the other; returns the ids. */
export async function insert(
  persistence: Persistence,
  id: SessionId,
  ...messages: Array<string | NewMessage>
): Promise<MessageId[]> {
  const ids: MessageId[] = []
  for (const given of messages) {
    ids.push(await persistence.insertMessage(id, typeof given === 'string' ? message(given) : given))
  }
  return ids
}

/** `u m1`, `u m2`, … */
export function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `u m${i + 1}`)
}

/** What the model would see, in labels. */
export async function context(persistence: Persistence, id: SessionId): Promise<string[]> {
  return (await persistence.loadContext(id)).map(label)
}

/** Every message, in labels. */
export async function all(persistence: Persistence, id: SessionId): Promise<string[]> {
  return (await persistence.loadAllMessages(id)).map(label)
}
