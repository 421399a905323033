import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'

/** Where the bot reads from. */
export interface Input {
  name: string
  stream: Readable
  /** Bytes, when it is a file whose end is known; null for a pipe. */
  bytes: number | null
}

/** `-` is standard input. Rejects when the file cannot be there to read. */
export async function openInput(name: string): Promise<Input> {
  if (name === '-') return { name: 'standard input', stream: process.stdin, bytes: null }
  const stats = await stat(name)
  if (stats.isDirectory()) throw new Error(`${name} is a folder, not a file of JSON lines`)
  return { name, stream: createReadStream(name), bytes: stats.isFile() ? stats.size : null }
}
