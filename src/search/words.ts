/** The words of a query. */

/** A text as it is compared in a search: composed (NFC) and in lower case, however it was typed. */
export function foldedText(text: string): string {
  return text.normalize('NFC').toLowerCase()
}

/**
 * The distinct words of a query, composed and in lower case, as `SessionStore.search` finds them: what a page of results marks. A
 * `"` at the start of a word opens a phrase up to the next `"`; everywhere else it is a character like any other.
 * @example
 * searchWords('Rust "parse json"') // ['rust', 'parse json']
 */
export function wordsOf(query: string): string[] {
  const words = new Set<string>()
  let rest = query.trimStart()
  while (rest !== '') {
    const close = rest.startsWith('"') ? rest.indexOf('"', 1) : -1
    const word = close === -1 ? (/^\S+/u.exec(rest)?.[0] ?? rest) : rest.slice(1, close)
    if (word.trim() !== '') words.add(foldedText(word))
    rest = rest.slice(close === -1 ? word.length : close + 1).trimStart()
  }
  return [...words]
}
