import { note } from './output.js'

/** True when the command runs on a terminal. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true
}

export type Answer = 'yes' | 'no' | 'stop'

/** Asks on the terminal. Whatever is not yes is no; Ctrl-C and Ctrl-D are stop. */
export async function confirm(question: string, otherwise = 'kept'): Promise<Answer> {
  const { createInterface } = await import('node:readline/promises')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(`${question} [y/N] `)
    const yes = /^y(es)?$/i.test(answer.trim())
    if (!yes) note(otherwise)
    return yes ? 'yes' : 'no'
  } catch (error) {
    // Ctrl-C or Ctrl-D instead of an answer.
    if ((error as NodeJS.ErrnoException).code !== 'ABORT_ERR') throw error
    note('')
    return 'stop'
  } finally {
    terminal.close()
  }
}
