import { escapeLine } from './escape.js'
import { span } from './format.js'
import { paint, terminalWidth } from './output.js'

/** Work that takes less is not shown, ms. */
const QUIET_MS = 1_000
const REDRAW_MS = 200

/** The items, while a line on a terminal's standard error says how many are done, once that takes longer than a second. */
export async function* showingProgress<T>(
  items: readonly T[],
  noun: string,
  nameOf?: (item: T) => string,
): AsyncGenerator<T> {
  const line = new ProgressLine()
  try {
    for (const [i, item] of items.entries()) {
      line.show(`${i} of ${items.length} ${noun}${nameOf === undefined ? '' : `, ${escapeLine(nameOf(item))}`}`)
      yield item
    }
  } finally {
    line.clear()
  }
}

/** What the work resolves with, while a line says what is done and for how long. */
export async function showingWork<T>(what: string | (() => string), work: Promise<T>): Promise<T> {
  const line = new ProgressLine()
  const began = performance.now()
  const timer = setInterval(() => {
    const shown = typeof what === 'string' ? what : what()
    line.show(`${shown}, ${span(performance.now() - began)}`)
  }, REDRAW_MS).unref()
  try {
    return await work
  } finally {
    clearInterval(timer)
    line.clear()
  }
}

/** One line on standard error that is drawn over; nothing where that is no terminal. */
export class ProgressLine {
  #next = performance.now() + QUIET_MS
  #isShown = false

  show(text: string): void {
    if (!process.stderr.isTTY || process.env.TERM === 'dumb' || performance.now() < this.#next) return
    this.#next = performance.now() + REDRAW_MS
    this.#isShown = true
    // one column stays free: a full line would wrap in some terminals
    const cut = text.slice(0, terminalWidth(process.stderr) - 1)
    process.stderr.write(`\r${paint('dim', cut, process.stderr)}\x1b[K`)
  }

  clear(): void {
    if (this.#isShown) process.stderr.write('\r\x1b[K')
    this.#isShown = false
  }
}
