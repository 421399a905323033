/** What each of many logs is known by, in little memory. */
import type { FileMark } from '../disk/files.js'

/** Device, inode, size, time. */
const NUMBERS = 4

export class LogMarks {
  readonly names: string[] = []
  #numbers = new Float64Array(NUMBERS * 1_024)
  /** Where which name stands; made when it is first asked for. */
  #places: Map<string, number> | undefined

  get size(): number {
    return this.names.length
  }

  /** Adds a name that is not there yet. */
  add(name: string, { dev, ino, size, mtimeMs }: FileMark): void {
    const at = NUMBERS * this.names.length
    if (at === this.#numbers.length) this.#grow()
    const numbers = this.#numbers
    numbers[at] = dev
    numbers[at + 1] = ino
    numbers[at + 2] = size
    numbers[at + 3] = mtimeMs
    this.names.push(name)
    this.#places = undefined
  }

  #grow(): void {
    const numbers = new Float64Array(2 * this.#numbers.length)
    numbers.set(this.#numbers)
    this.#numbers = numbers
  }

  at(place: number): FileMark {
    const numbers = this.#numbers
    const at = NUMBERS * place
    return { dev: numbers[at]!, ino: numbers[at + 1]!, size: numbers[at + 2]!, mtimeMs: numbers[at + 3]! }
  }

  get(name: string): FileMark | undefined {
    this.#places ??= new Map(this.names.map((name, place) => [name, place]))
    const place = this.#places.get(name)
    return place === undefined ? undefined : this.at(place)
  }
}
