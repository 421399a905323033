/**
 * Text of strangers made safe to print: all that could move the cursor, colour the terminal, reorder what
 * stands beside it or is no character at all is written out as an escape.
 */

// Controls, lone surrogates, line and paragraph separators, bidirectional controls, whatever else is not seen (zero
// width, tags, fillers), interlinear marks.
const UNSEEN = '[\\p{Cc}\\p{Cs}\\p{Zl}\\p{Zp}\\p{Bidi_Control}\\p{Default_Ignorable_Code_Point}\\ufff9-\\ufffb]'
// What scripts and emoji need: joiners (as in Persian and Hindi), selectors of an emoji's form, tags of a flag's country.
const NEEDED = [
  '(?<=[^\\x00-\\x7f])[\\u200c\\u200d]',
  '[\\ufe0e\\ufe0f]',
  '(?<=\\u{1f3f4}[\\u{e0061}-\\u{e007a}]{0,6})[\\u{e0061}-\\u{e007a}\\u{e007f}]',
]
const UNSAFE = new RegExp(`(?!${NEEDED.join('|')})${UNSEEN}`, 'gu')

const NAMED: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function spell(char: string): string {
  const code = char.codePointAt(0) as number
  if (code > 0xffff) return `\\u{${hex(code, 5)}}`
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
  return JSON.stringify(value).replace(UNSAFE, (char) =>
    char.replace(/[\s\S]/g, (unit) => `\\u${hex(unit.charCodeAt(0), 4)}`),
  )
}

/** For an excerpt: every run of white space becomes one space. */
export function flatten(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
