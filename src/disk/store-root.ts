/** The folder of a store, as it was when the store saw it first. */
import { SessionError } from '../base/errors.js'
import { stat } from './platform/calls.js'

export class StoreRoot {
  readonly #folder: string
  #seen: { dev: number; ino: number } | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  /**
   * A folder that was there and is gone, or was replaced, must not be read as empty and must not be made again:
   * a volume that was unmounted leaves an empty folder in its place.
   * @throws SessionError ERR_STORE_GONE
   */
  check(): void {
    const now = stat(this.#folder)
    const seen = this.#seen
    if (seen === undefined) this.#seen = now && { dev: now.dev, ino: now.ino }
    else if (now === undefined || now.ino !== seen.ino || now.dev !== seen.dev) {
      const what = now === undefined ? 'is gone' : 'is another folder than the one that was opened'
      throw new SessionError('ERR_STORE_GONE', `the folder of the store ${what}`, { dir: this.#folder })
    }
  }
}
