/** Keys of sessions and names of values that are composed of parts. */

/** Different parts make different keys: a `/` stands between two parts only, or in the last one. */
export function joinedKey(...parts: readonly string[]): string {
  return parts.map((part, i) => (i < parts.length - 1 ? escapedPart(part) : part)).join('/')
}

/** A part that something may follow. */
export function escapedPart(part: string): string {
  return part.replaceAll('%', '%25').replaceAll('/', '%2F')
}

export function unescapedPart(text: string): string {
  return text.replaceAll('%2F', '/').replaceAll('%25', '%')
}
