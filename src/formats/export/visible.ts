/** Text of strangers for a page or a document: what would not be seen, or would move what stands beside it, is spelled out. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'

// C0 and C1 controls but tab and line feed, bidirectional controls, lone surrogates
const UNSEEN =
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

export function visible(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(UNSEEN, (char) => {
    const code = char.charCodeAt(0)
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
}

/** The same for one line. */
export function visibleLine(text: string): string {
  return visible(text).replace(/\s+/g, ' ').trim()
}

/** The parts of a content: texts, and what is none as JSON. */
export function partsOf(content: Json | undefined): Array<{ text: string } | { other: JsonObject | Json }> {
  if (content === undefined || content === null || content === '') return []
  if (typeof content === 'string') return [{ text: content }]
  if (!Array.isArray(content)) return [{ other: content }]
  return content.map((part) => {
    if (typeof part === 'string') return { text: part }
    return isObject(part) && typeof part.text === 'string' ? { text: part.text } : { other: part }
  })
}
