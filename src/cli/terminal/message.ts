import type { StoredMessage } from '../../index.js'
import { escapeBlock, escapeLine, jsonLine } from './escape.js'
import { stamp } from './format.js'
import { paint, type Style } from './output.js'

const ROLE_STYLE: Record<string, Style[]> = { user: ['bold', 'green'], assistant: ['bold', 'blue'] }

/** Longer texts of a message are cut, and longer ones inside JSON, such as images; characters. */
const MOST_TEXT = 100_000
const MOST_INSIDE = 2_000

/**
 * A message for a person to read. Its text is indented, so that no text can pose as the heading of another message.
 * Whatever is no text is shown as JSON. Long values are cut, and say how long they are.
 */
export function messageText(message: StoredMessage, { full = false }: { full?: boolean } = {}): string {
  const { id: _, at, role, content, ...rest } = full ? message : (shortened(message, MOST_TEXT) as StoredMessage)
  const lines = [`${paint(ROLE_STYLE[role] ?? 'bold', escapeLine(role))}  ${paint('dim', timeOf(at))}`]
  if (content !== undefined) lines.push(indent(contentText(content)))
  for (const [field, value] of Object.entries(rest)) {
    lines.push(indent(paint('dim', `${escapeLine(field)}: ${jsonLine(value)}`)))
  }
  return lines.join('\n')
}

/** Strings of more than `most` characters are cut, those inside of lists and objects sooner. */
function shortened(value: unknown, most: number): unknown {
  if (typeof value === 'string') return value.length <= most ? value : cutText(value)
  if (Array.isArray(value)) return value.map((part) => shortened(part, isTextPart(part) ? MOST_TEXT : MOST_INSIDE))
  if (typeof value !== 'object' || value === null) return value
  const inside = (name: string) => (most === MOST_TEXT && ['content', 'text'].includes(name) ? MOST_TEXT : MOST_INSIDE)
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shortened(inner, inside(name))]))
}

function cutText(text: string): string {
  return `${text.slice(0, MOST_INSIDE / 10)}… (${text.length} characters; --full shows them)`
}

/** Text unchanged; the parts that model APIs use for text as their text; anything else as JSON. */
function contentText(content: unknown): string {
  if (typeof content === 'string') return escapeBlock(content)
  if (!Array.isArray(content)) return jsonLine(content)
  return content.map((part) => (isTextPart(part) ? escapeBlock(part.text) : jsonLine(part))).join('\n')
}

function isTextPart(part: unknown): part is { text: string } {
  if (typeof part !== 'object' || part === null) return false
  const { type, text, ...rest } = part as Record<string, unknown>
  return type === 'text' && typeof text === 'string' && Object.keys(rest).length === 0
}

/** A message may bring its own `at`, of any kind. */
function timeOf(at: unknown): string {
  const date = new Date(typeof at === 'string' ? at : Number.NaN)
  return Number.isNaN(date.getTime()) ? (at === undefined ? 'no time' : jsonLine(at)) : stamp(date)
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ')
}
