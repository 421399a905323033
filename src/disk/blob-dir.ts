/**
 * Contents that are too large for a log: `<name>.blobs/<sha256>`, one file for each content, whatever it is for.
 * A file gets its name when all of it is on disk, so that a name always stands for whole content.
 */
import { createHash, hash as hashOf } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { yieldIfDue } from '../base/event-loop.js'
import { randomNonce } from '../base/ids.js'
import { createPrivate, openRegular, read, readSmall, removeFile, statFile, sync, writeAll } from './files.js'
import { ensureSyncedFolder, listFolder, refuseLink, shareWithGroup, syncFolder } from './folders.js'
import { sameMark } from './log/file-mark.js'
import { rename } from './platform/calls.js'

const SLICE_BYTES = 256 * 1024
const REF = /^[0-9a-f]{64}$/
const TEMPORARY = /^\.[0-9a-f]{16}\.tmp$/

/** True for what can be the name of a blob. */
export function isRef(text: string): boolean {
  return REF.test(text)
}

/** The name of a content: its SHA-256 in hex. */
export async function refOf(bytes: Uint8Array): Promise<string> {
  if (bytes.length <= SLICE_BYTES) return hashOf('sha256', bytes)
  const hash = createHash('sha256')
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    hash.update(bytes.subarray(at, at + SLICE_BYTES))
    await yieldIfDue()
  }
  return hash.digest('hex')
}

/** How many blobs are known to be whole, as long as nothing touches their files. */
const MAX_KNOWN = 64
/** A file whose last change is older than this shows by its times when it changes again, ms. */
const SETTLED_MS = 100

export class BlobDir {
  /** The files as they were when they were found or made whole. */
  readonly #whole = new Map<string, fs.Stats>()

  /** With `isGroup`, the group of the folder may read the blobs. */
  constructor(
    readonly folder: string,
    readonly isGroup = false,
  ) {}

  #file(ref: string): string {
    return this.folder + path.sep + ref
  }

  /** True when there is a file of this name, with any content. */
  has(ref: string): boolean {
    return this.pathOf(ref) !== undefined
  }

  /** The file of this name, with any content; undefined when there is none. */
  pathOf(ref: string): string | undefined {
    if (!isRef(ref)) return undefined
    refuseLink(this.folder)
    const found = statFile(this.#file(ref))
    return found === undefined || found === 'other' ? undefined : this.#file(ref)
  }

  /** The content of this name; `'wrong'` when the file holds something else, undefined when there is none. */
  async read(ref: string): Promise<Buffer | 'wrong' | undefined> {
    if (!isRef(ref)) return undefined
    const bytes = await this.#bytes(ref)
    return bytes === undefined || (await refOf(bytes)) === ref ? bytes : 'wrong'
  }

  async #bytes(ref: string): Promise<Buffer | undefined> {
    refuseLink(this.folder)
    const opened = openRegular(this.#file(ref))
    if (opened === undefined) return undefined
    try {
      return await read(opened.fd, 0, opened.stat.size)
    } finally {
      fs.closeSync(opened.fd)
    }
  }

  /**
   * Makes sure that this content is there and whole; true when it had to be written. The file is synced then, its name
   * is once `settle` has been called.
   */
  async put(ref: string, bytes: Uint8Array): Promise<boolean> {
    if (await this.#isWhole(ref, bytes)) return false
    ensureSyncedFolder(this.folder)
    refuseLink(this.folder)
    const temporary = this.#file(`.${randomNonce()}.tmp`)
    const fd = createPrivate(temporary)
    try {
      try {
        for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
          writeAll(fd, Buffer.from(bytes.buffer, bytes.byteOffset + at, Math.min(SLICE_BYTES, bytes.length - at)))
          if (bytes.length > SLICE_BYTES) await yieldIfDue()
        }
        await sync(fd)
      } finally {
        fs.closeSync(fd)
      }
      if (this.isGroup) for (const place of [this.folder, temporary]) shareWithGroup(place)
      rename(temporary, this.#file(ref))
    } catch (error) {
      removeFile(temporary)
      throw error
    }
    return true
  }

  /** Those of them that are not known to be whole: `put` makes sure of them. */
  unsure<B extends { ref: string }>(contents: readonly B[]): B[] {
    refuseLink(this.folder)
    return contents.filter(({ ref }) => !this.#isUntouched(ref, statFile(this.#file(ref))))
  }

  #isUntouched(ref: string, stat: fs.Stats | 'other' | undefined): boolean {
    const known = this.#whole.get(ref)
    return known !== undefined && stat !== 'other' && sameMark(known, stat) && known.ctimeMs === stat?.ctimeMs
  }

  async #isWhole(ref: string, bytes: Uint8Array): Promise<boolean> {
    const stat = statFile(this.#file(ref))
    if (stat === undefined || stat === 'other') return false
    if (this.#isUntouched(ref, stat)) {
      refuseLink(this.folder)
      return true
    }
    const there = await this.#bytes(ref)
    if (there === undefined || !there.equals(bytes)) return false
    // what was changed in this moment may be changed again without a later time
    if (Date.now() - stat.ctimeMs > SETTLED_MS) {
      this.#whole.delete(ref)
      this.#whole.set(ref, stat)
      if (this.#whole.size > MAX_KNOWN) for (const [oldest] of this.#whole) return this.#whole.delete(oldest)
    }
    return true
  }

  /** Makes the names of all that was put outlast a power cut. */
  settle(): void {
    syncFolder(this.folder)
  }

  /** The names of all blobs, and of what writers left half written. Other files do not belong to the store. */
  list(): { refs: string[]; temporaries: string[] } {
    refuseLink(this.folder)
    const names = listFolder(this.folder)
    return { refs: names.filter((name) => REF.test(name)), temporaries: names.filter((name) => TEMPORARY.test(name)) }
  }

  /** True where the content, taken as text, is one that `isIn` says so of. */
  includes(ref: string, isIn: (text: string) => boolean): boolean {
    const found = readSmall(this.#file(ref))
    return found !== undefined && isIn(found.bytes.toString())
  }

  /** How long a blob is, bytes; undefined when there is none. */
  size(ref: string): number | undefined {
    const found = statFile(this.#file(ref))
    return found === undefined || found === 'other' ? undefined : found.size
  }

  /** Removes a blob or a left-over; false when it was gone. A folder of that name stays. */
  remove(name: string): boolean {
    const stat = fs.lstatSync(this.#file(name), { throwIfNoEntry: false })
    return stat !== undefined && !stat.isDirectory() && removeFile(this.#file(name))
  }
}
