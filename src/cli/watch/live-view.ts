/** Running turns, redrawn every second at the bottom of the terminal; events scroll by above them. */
import type { WatchEvent } from '../../index.js'
import { runningTable, stuckTable } from '../commands/operate/running.js'
import { terminalWidth } from '../terminal/output.js'

const REDRAW_MS = 1_000
/** Rows beyond what a terminal shows are only counted. */
const SPARE_LINES = 4

export class LiveView {
  readonly #turns = new Map<string, { event: WatchEvent; at: number; reason: string }>()
  readonly #timer = setInterval(() => void this.#draw(), REDRAW_MS)
  #drawing: Promise<void> = Promise.resolve()
  #lines = 0

  /** Takes an event up, and writes a line about it above the table. */
  show(event: WatchEvent, line: string): void {
    const { key, type } = event
    if (type === 'finished' || type === 'recovered') this.#turns.delete(key)
    else this.#turns.set(key, { event, at: performance.now(), reason: type === 'stuck' ? event.reason : '' })
    void this.#draw(line)
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#drawing
  }

  #draw(line?: string): Promise<void> {
    this.#drawing = this.#drawing.then(async () => {
      const rows = await this.#rows()
      const up = this.#lines > 0 ? `\x1b[${this.#lines}A` : ''
      const above = line === undefined ? '' : `${line}\n`
      process.stdout.write(`${up}\x1b[J${above}${rows.join('\n')}\n`)
      this.#lines = rows.length
    })
    return this.#drawing
  }

  async #rows(): Promise<string[]> {
    const now = performance.now()
    const turns = [...this.#turns.values()]
      .map(({ event, at, reason }) => ({ ...event, runningMs: event.runningMs + now - at, reason }))
      .sort((a, b) => b.runningMs - a.runningMs)
    if (turns.length === 0) return ['nothing runs']
    const room = Math.max(1, (process.stdout.rows ?? 24) - SPARE_LINES)
    const shown = turns.slice(0, room)
    const width = terminalWidth() - 1
    const text = await (shown.some(({ reason }) => reason !== '')
      ? stuckTable(shown, width)
      : runningTable(shown, width))
    return [...text.split('\n'), ...(turns.length > room ? [`and ${turns.length - room} more`] : [])]
  }
}
