/** Which files of a folder changed, as the system tells it: a list need not look at those that did not. */
import fs from 'node:fs'
import { errno } from '../base/errors.js'
import { breathe } from '../base/event-loop.js'
import { sameFile } from './files.js'

/** ext2 to ext4, XFS, Btrfs, F2FS, ZFS, tmpfs, overlay: all changes are made by this machine, which tells of each. */
const TOLD_OF_ALL = new Set([0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x2fc12fc1, 0x01021994, 0x794c7630])
/** Half of what the system queues at least before it drops events without a word. */
const MAX_EVENTS = 4_096
/** Who has not asked for so long, ms, is not told any more. */
const UNASKED_MS = 30_000

/** Files by name, and whether they are still those that they were: not made, moved or removed. */
export type Changes = Map<string, boolean>

export class FolderWatch {
  readonly #folder: string
  readonly #watcher: fs.FSWatcher
  readonly #mark = { dev: 0, ino: 0, size: 0, mtimeMs: 0 }
  #changed: Changes = new Map()
  #events = 0
  #asked = performance.now()
  #closed = false

  private constructor(folder: string) {
    this.#folder = folder
    this.#watcher = fs.watch(folder, { persistent: false }, (event, file) => this.#note(event, file))
    this.#watcher.on('error', () => this.close())
  }

  /** Undefined where the system may keep changes to itself, or watches no more. The folder must be there. */
  static open(folder: string): FolderWatch | undefined {
    if (process.platform !== 'linux') return undefined
    try {
      if (!TOLD_OF_ALL.has(fs.statfsSync(folder).type)) return undefined
      const before = fs.lstatSync(folder)
      const watch = new FolderWatch(folder)
      Object.assign(watch.#mark, before)
      return watch
    } catch (error) {
      if (['ENOENT', 'ENOSPC', 'EMFILE', 'ENFILE'].includes(errno(error) ?? '')) return undefined
      throw error
    }
  }

  #note(event: string, file: string | null): void {
    if (file === null || ++this.#events > MAX_EVENTS || performance.now() - this.#asked > UNASKED_MS) this.close()
    else this.#changed.set(file, event === 'change' && this.#changed.get(file) !== false)
  }

  /** Files that were made, changed or removed since this was last asked; undefined when only a look at all can tell. */
  async take(): Promise<Changes | undefined> {
    // what happened before this call has arrived once the event loop has been around: the second turn begins after it
    await breathe()
    const stat = fs.lstatSync(this.#folder, { throwIfNoEntry: false })
    if (this.#closed || !sameFile(this.#mark, stat)) return undefined
    const changed = this.#changed
    this.#changed = new Map()
    this.#events = 0
    this.#asked = performance.now()
    return changed
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#watcher.close()
  }
}
