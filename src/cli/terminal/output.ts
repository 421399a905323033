/** Data goes to stdout, notes to stderr. Both may be closed at any time by their readers. */
import { once } from 'node:events'
import { styleText } from 'node:util'
import { escapeLine } from './escape.js'

export type Style = Exclude<Parameters<typeof styleText>[0], readonly unknown[]>

export const PROGRAM = 'jsonl-sessions'

let closed = false

/** A reader that has gone (`list | head -1`) is no error: what follows is not printed. Any other one is. */
export function watchOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    closed = true
    if (error.code === 'EPIPE') return
    complain(`cannot write the output: ${describe(error)}`)
    process.exitCode ||= 1
  })
  // without stderr there is no reader; the work itself goes on
  process.stderr.on('error', () => {})
}

/** Writes one line (or several) of data. False: the reader has gone. */
export function print(text: string): Promise<boolean> {
  return printBytes(`${text}\n`)
}

/** Writes data unchanged. */
export async function printBytes(bytes: string | Uint8Array): Promise<boolean> {
  if (closed) return false
  if (!process.stdout.write(bytes)) {
    // 'close' comes instead of 'drain' when the reader goes away.
    const done = new AbortController()
    const { signal } = done
    await Promise.race([once(process.stdout, 'drain', { signal }), once(process.stdout, 'close', { signal })]).catch(
      () => undefined,
    )
    done.abort()
  }
  return !closed
}

export function note(text: string): void {
  process.stderr.write(`${text}\n`)
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
