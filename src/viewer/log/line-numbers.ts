/** Which line of its file a byte stands in. The line feeds are counted once, in the background, and kept for each block. */
import { yieldIfDue } from '../../base/event-loop.js'
import { read, readSync } from '../../disk/files.js'
import type { LogReader } from '../../disk/log/log-reader.js'

const LF = 0x0a
const BLOCK_BYTES = 256 * 1024

export class LineNumbers {
  /** Line feeds before each block that is counted. */
  #before: number[] = [0]
  #counting: Promise<void> | undefined

  /** Counts the whole blocks that were added since. The reader must stay open until it is done. */
  count(reader: LogReader): Promise<void> {
    this.#counting ??= this.#countNow(reader).finally(() => {
      this.#counting = undefined
    })
    return this.#counting
  }

  async #countNow(reader: LogReader): Promise<void> {
    for (let at = (this.#before.length - 1) * BLOCK_BYTES; at + BLOCK_BYTES <= reader.size; at += BLOCK_BYTES) {
      const bytes = await read(reader.fd, at, BLOCK_BYTES)
      if (bytes.length < BLOCK_BYTES) return
      this.#before.push((this.#before.at(-1) as number) + feedsIn(bytes))
      await yieldIfDue()
    }
  }

  /** The number of the line at this offset, from 1; undefined where it is not counted yet. */
  at(reader: LogReader, offset: number): number | undefined {
    const block = Math.floor(offset / BLOCK_BYTES)
    const before = this.#before[block]
    if (before === undefined) return undefined
    return before + feedsIn(readSync(reader.fd, block * BLOCK_BYTES, offset - block * BLOCK_BYTES)) + 1
  }
}

function feedsIn(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) count++
  return count
}
