/** Foreign files in blocks of units, in memory that does not grow with the file. */
import { yieldIfDue } from '../../base/event-loop.js'
import type { OpenSource } from '../../disk/source-file.js'
import { MAX_LINE_BYTES } from '../../log/serialize.js'
import { type Cut, cutLines, ElementCutter, tooLong } from '../shared/unit.js'

const LF = 0x0a
/** Small enough to stay in the processor's cache until its lines are parsed. */
const BLOCK_BYTES = 64 * 1024

/** The lines from `offset` (the start of a line) up to `end`; `line` of them stand before it. */
export async function* linesOf(source: OpenSource, offset = 0, line = 0, end = source.size): AsyncGenerator<Cut[]> {
  let buffer: Buffer = Buffer.allocUnsafe(Math.max(1, Math.min(BLOCK_BYTES, end - offset)))
  let rest = 0
  let number = line + 1
  for (let position = offset; position < end; ) {
    if (rest > buffer.length / 2) buffer = Buffer.concat([buffer], buffer.length * 2)
    const count = source.readInto(buffer.subarray(rest, Math.min(buffer.length, rest + end - position)), position)
    // the file was cut short while it was read: the bytes so far are read
    if (count === 0) return
    position += count
    const bytes = buffer.subarray(0, rest + count)
    const atEnd = position >= end
    const stop = atEnd ? bytes.length : bytes.lastIndexOf(LF) + 1
    if (stop > 0) {
      const cuts = cutLines(bytes.subarray(0, stop), position - bytes.length, number, atEnd)
      number += cuts.length
      yield cuts
    }
    rest = bytes.length - stop
    if (rest > MAX_LINE_BYTES) {
      const next = skipLine(source, position, end)
      const place = { line: number++, offset: position - rest, end: next }
      yield [next >= end && source.read(end - 1, 1)[0] !== LF ? { kind: 'torn', ...place } : tooLong(place)]
      position = next
      rest = 0
    }
    buffer.copyWithin(0, stop, stop + rest)
    await yieldIfDue()
  }
}

/** Where the line ends that goes on at `position`. */
function skipLine(source: OpenSource, position: number, end: number): number {
  for (let at = position; at < end; ) {
    const chunk = source.read(at, Math.min(BLOCK_BYTES, end - at))
    if (chunk.length === 0) return at
    const feed = chunk.indexOf(LF)
    if (feed !== -1) return at + feed + 1
    at += chunk.length
  }
  return end
}

/** The elements of a JSON array. */
export async function* elementsOf(source: OpenSource): AsyncGenerator<Cut[]> {
  const cutter = new ElementCutter()
  for (let position = 0; position < source.size; ) {
    const buffer = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, source.size - position))
    const count = source.readInto(buffer, position)
    if (count === 0) break
    position += count
    yield cutter.push(buffer.subarray(0, count))
    await yieldIfDue()
  }
  yield cutter.end()
}
