/** Whether the bytes of a log rule words out, without parsing a line. */
import { isAscii } from 'node:buffer'

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
    return (bytes) => hasEscapes(bytes, words) || includesAny(bytes.toString().toLowerCase(), spelled)
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

/** The two letters beyond ASCII whose lower case is in it: the Kelvin sign, and the I with a dot. */
function hasOddLetters(bytes: Buffer, words: readonly string[]): boolean {
  const hasLetter = (letter: string) => words.some((word) => word.includes(letter))
  return (hasLetter('k') && bytes.includes('\u212a')) || (hasLetter('i') && bytes.includes('\u0130'))
}

function includesAny(text: string, parts: readonly string[]): boolean {
  return parts.some((part) => text.includes(part))
}
