/** A line of input, without its line feed. */
export interface InputLine {
  /** Counted from 1. */
  number: number
  /** Null when the line was longer than the limit; its bytes are skipped, not kept. */
  data: Buffer | null
  /** Bytes that the line takes in the input, line feed included. */
  length: number
}

const LINE_FEED = 0x0a

/**
 * Splits bytes into lines at 0x0A and nowhere else (text may hold U+2028, a lone CR, …). Holds one line at most:
 * the source is only read on when the lines of its last chunk have been taken.
 */
export async function* splitLines(
  source: AsyncIterable<Buffer>,
  { maxBytes = Number.POSITIVE_INFINITY }: { maxBytes?: number } = {},
): AsyncGenerator<InputLine> {
  let number = 0
  let parts: Buffer[] = []
  let length = 0

  const take = (rest: Buffer, end: number): InputLine => {
    const total = length + rest.length
    const data = total > maxBytes ? null : parts.length === 0 ? rest : Buffer.concat([...parts, rest])
    parts = []
    length = 0
    return { number: ++number, data, length: total + end }
  }

  for await (const chunk of source) {
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      yield take(chunk.subarray(start, end), 1)
      start = end + 1
    }
    if (start === chunk.length) continue
    length += chunk.length - start
    if (length > maxBytes) parts = []
    else parts.push(chunk.subarray(start))
  }
  if (length > 0) yield take(Buffer.alloc(0), 0)
}
