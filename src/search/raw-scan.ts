/** Whether the bytes of a log rule words out, without parsing a line. */
import { isAscii } from 'node:buffer'
import { foldedText } from './words.js'

/** More words than this are searched one by one. */
const MAX_PATTERNS = 20

/** False when no text of a log can contain any of the words. */
export type RawScan = (bytes: Buffer) => boolean

/** Text on disk as JSON writes it. A log in which it may be written in another way is parsed. */
export function rawScanFor(words: string[]): RawScan {
  const spelled = words.map((word) => JSON.stringify(word).slice(1, -1))
  if (words.length > MAX_PATTERNS || !isAscii(Buffer.from(words.join('')))) {
    // the Greek sigma changes at the end of a word
    if (words.some((word) => /[σς]/u.test(word))) return () => true
    return (bytes) => hasEscapes(bytes, words) || mayInclude(bytes.toString(), spelled)
  }
  // the beginning of a long word is enough
  const parts = words.map((word) =>
    JSON.stringify(word.slice(0, 50))
      .slice(1, -1)
      .replace(/[^a-z0-9]/gi, '\\$&'),
  )
  const pattern = new RegExp(parts.join('|'), 'i')
  return (bytes) => hasEscapes(bytes, words) || hasOddLetters(bytes, words) || pattern.test(bytes.toString('latin1'))
}

function hasEscapes(bytes: Buffer, words: readonly string[]): boolean {
  return bytes.includes('\\u') || (words.some((word) => word.includes('/')) && bytes.includes('\\/'))
}

/** Characters beyond ASCII that a search compares as one of ASCII, such as the Kelvin sign. */
const ODD_LETTERS = { k: '\u212a', i: '\u0130', ';': '\u037e', '`': '\u1fef' }

function hasOddLetters(bytes: Buffer, words: readonly string[]): boolean {
  return Object.entries(ODD_LETTERS).some(
    ([letter, odd]) => words.some((word) => word.includes(letter)) && bytes.includes(odd),
  )
}

/** A mark behind an escape, such as `\n`, would be composed with its letter. */
function mayInclude(json: string, parts: readonly string[]): boolean {
  if (/\\[bfnrt]\p{M}/u.test(json)) return true
  const text = foldedText(json)
  return parts.some((part) => text.includes(part))
}
