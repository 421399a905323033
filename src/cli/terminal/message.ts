import type { StoredMessage } from '../../index.js'
import { escapeBlock, escapeLine, jsonLine } from './escape.js'
import { stamp } from './format.js'
import { paint, type Style } from './output.js'

const ROLE_STYLE: Record<string, Style[]> = { user: ['bold', 'green'], assistant: ['bold', 'blue'] }

/**
 * A message for a person to read. Its text is indented, so that no text can pose as the heading of another message.
 * Whatever is no text is shown as JSON.
 */
export function messageText({ id: _, at, role, content, ...rest }: StoredMessage): string {
  const lines = [`${paint(ROLE_STYLE[role] ?? 'bold', escapeLine(role))}  ${paint('dim', timeOf(at))}`]
  if (content !== undefined) lines.push(indent(contentText(content)))
  for (const [field, value] of Object.entries(rest)) {
    lines.push(indent(paint('dim', `${escapeLine(field)}: ${jsonLine(value)}`)))
  }
  return lines.join('\n')
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
