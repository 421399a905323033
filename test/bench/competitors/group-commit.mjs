/** The limit of durable appends by many callers: all lines that wait go in one write, and one sync serves them all. */
import fs from 'node:fs'
import { lineOf, Raw } from './raw.mjs'

export class GroupCommit extends Raw {
  #waiting = []
  #flushing = false

  static async open(dir) {
    return new GroupCommit(dir)
  }

  append(key, message) {
    const about = this.about.get(key) ?? this.create(key)
    const file = this.file(key)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ about, line: lineOf(message), resolve, reject })
      if (!this.#flushing) void this.#flush(file)
    })
  }

  /** Of one file: the row has no more. */
  async #flush(file) {
    this.#flushing = true
    while (this.#waiting.length > 0) {
      const all = this.#waiting
      this.#waiting = []
      try {
        fs.writeSync(file, all.map(({ line }) => line).join(''))
        await new Promise((resolve, reject) => fs.fdatasync(file, (error) => (error ? reject(error) : resolve())))
        for (const { about, resolve } of all) {
          about.messages++
          resolve()
        }
      } catch (error) {
        for (const { reject } of all) reject(error)
      }
      // who was answered may have something more for the next write
      await null
    }
    this.#flushing = false
  }
}
