/**
 * Text of strangers made safe to print: all that could move the cursor, colour the terminal, reorder what
 * stands beside it or is no character at all is written out as an escape.
 */

// C0 and C1 controls, bidirectional controls, line and paragraph separators, other invisible format controls,
// lone surrogates. The joiners U+200C and U+200D stay: Persian, Hindi and emoji need them.
const UNSAFE =
  /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

const NAMED: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function spell(char: string): string {
  const code = char.charCodeAt(0)
  return NAMED[char] ?? (code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`)
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0')
}

/** For one line: keys, names, reasons. Line breaks and tabs are escaped too. */
export function escapeLine(text: string): string {
  return text.replace(UNSAFE, spell)
}

/** For a block of text: line breaks and tabs stay. */
export function escapeBlock(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(UNSAFE, (char) => (char === '\n' || char === '\t' ? char : spell(char)))
}

/** JSON that is safe to print and still the same value: what JSON itself leaves raw is written as \\uXXXX. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, (char) => `\\u${hex(char.charCodeAt(0), 4)}`)
}

/** For an excerpt: every run of white space becomes one space. */
export function flatten(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
