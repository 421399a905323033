/** Keys in addresses. A browser takes the path segments `.` and `..` out of an address, so keys of these names get a mark. */

const MARK = '~'

export function segmentOf(key: string): string {
  const needsMark = key === '.' || key === '..' || key.startsWith(MARK)
  return (needsMark ? MARK : '') + encodeURIComponent(key)
}

/** Undefined for what is no segment that `segmentOf` makes of a key. */
export function keyOf(segment: string): string | undefined {
  try {
    const text = decodeURIComponent(segment)
    return text.startsWith(MARK) ? text.slice(1) : text
  } catch {
    return undefined
  }
}
