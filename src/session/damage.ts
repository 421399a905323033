/** Reports each line that cannot be read once in the life of a store, whatever reads it. */
import { type DamagedLine, LogReader } from '../disk/log/log-reader.js'
import type { Settings } from './options.js'

export class DamageReports {
  readonly #onDamage: Settings['onDamage']
  /** Where the lines stand that were reported, by the path of their log. */
  readonly #reported = new Map<string, Set<string>>()

  constructor({ onDamage }: Pick<Settings, 'onDamage'>) {
    this.#onDamage = onDamage
  }

  /** Reports what this reader of the log of `key` meets; returns it. */
  watch<R extends LogReader | undefined>(reader: R, key: string, file: string): R {
    if (reader !== undefined) reader.onDamage = (damage) => this.#note(key, file, damage)
    return reader
  }

  /** The log was rewritten or moved: the lines at these places now are new. */
  forget(file: string): void {
    this.#reported.delete(file)
  }

  #note(key: string, file: string, met: readonly DamagedLine[]): void {
    const reported = this.#reported.get(file) ?? new Set()
    const damage = met.filter((line) => !reported.has(placeOf(line)))
    if (damage.length === 0) return
    this.#reported.set(file, reported)
    for (const line of damage) reported.add(placeOf(line))
    if (damage.every(({ line }) => line > 0)) this.#onDamage({ key, file, damage })
    else void this.#reportNumbered(key, file, damage)
  }

  /** Lines that a reading from the end has met: their numbers follow from the lines before them. */
  async #reportNumbered(key: string, file: string, damage: DamagedLine[]): Promise<void> {
    const numbered = await LogReader.using(file, (reader) => reader.numbered(damage)).catch(() => undefined)
    if (numbered !== undefined) this.#onDamage({ key, file, damage: numbered })
  }
}

function placeOf({ offset, length }: DamagedLine): string {
  return `${offset} ${length}`
}
