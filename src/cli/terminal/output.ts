/** Data goes to stdout, notes to stderr. Both may be closed at any time by their readers. */
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { styleText } from 'node:util'
import { escapeLine } from './escape.js'

export type Style = Exclude<Parameters<typeof styleText>[0], readonly unknown[]>

export const PROGRAM = 'jsonl-sessions'

interface Output {
  stream: Writable
  /** Nobody reads any more. */
  isClosed: boolean
  /** Notes that wait for the pager to end: they would stand in the middle of its screen. */
  notes: string[] | undefined
}

let output: Output = { stream: process.stdout, isClosed: false, notes: undefined }

/** A reader that has gone (`list | head -1`) is no error: what follows is not printed. Any other one is. */
export function watchOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    output.isClosed = true
    if (error.code === 'EPIPE') return
    complain(`cannot write the output: ${describe(error)}`)
    process.exitCode ||= 1
  })
  // without stderr there is no reader; the work itself goes on
  process.stderr.on('error', () => {})
}

/** Sends data to a pager until the function that it returns is called, and keeps notes until then. */
export function printTo(pager: Writable): () => void {
  pager.on('error', () => {
    output.isClosed = true
  })
  output = { ...output, stream: pager, notes: [] }
  return () => {
    const kept = output.notes ?? []
    output = { ...output, stream: process.stdout, notes: undefined }
    for (const text of kept) note(text)
  }
}

/** Writes one line (or several) of data. False: the reader has gone. */
export function print(text: string): Promise<boolean> {
  return printBytes(`${text}\n`)
}

/** Writes data unchanged. */
export async function printBytes(bytes: string | Uint8Array): Promise<boolean> {
  const { stream } = output
  if (output.isClosed) return false
  if (!stream.write(bytes)) {
    // 'close' comes instead of 'drain' when the reader goes away.
    const done = new AbortController()
    const { signal } = done
    await Promise.race([once(stream, 'drain', { signal }), once(stream, 'close', { signal })]).catch(() => undefined)
    done.abort()
  }
  return !output.isClosed
}

export function note(text: string): void {
  if (output.notes !== undefined) output.notes.push(text)
  else process.stderr.write(`${text}\n`)
}

/** One line that says what went wrong. */
export function complain(text: string): void {
  note(`${PROGRAM}: ${text}`)
}

/** The message of an error on one line, with its code. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return escapeLine(String(error))
  const { code } = error as NodeJS.ErrnoException
  const message = escapeLine(error.message || error.name)
  return code === undefined || message.includes(String(code)) ? message : `${message} (${code})`
}

/** Colours only where the stream shows them: a terminal, NO_COLOR and FORCE_COLOR have their say. */
export function paint(style: Style | Style[], text: string, stream: NodeJS.WriteStream = process.stdout): string {
  if (text === '') return ''
  // One by one: given several at once, Node 20's styleText colours without looking at the stream.
  return [style].flat().reduceRight((styled, one) => styleText(one, styled, { stream }), text)
}

/** The width that lines must not exceed; no limit when the output is no terminal. */
export function terminalWidth(stream: NodeJS.WriteStream = process.stdout): number {
  return stream.isTTY && stream.columns > 0 ? stream.columns : Number.POSITIVE_INFINITY
}
