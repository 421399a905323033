/** A log that an import is making, on the store's own disk, until it is put in its place. */
import fs from 'node:fs'
import path from 'node:path'
import { errno } from '../base/errors.js'
import { randomNonce } from '../base/ids.js'
import { createPrivate, removeFile, sync, writeAll } from './files.js'
import { ensureFolder, listFolder, refuseLink, removeEmptyFolder } from './folders.js'
import { livenessOf, thisProcess } from './process-identity.js'

const NAME = /^(\d{1,10})-(\d{0,20})-[0-9a-f]{16}\.jsonl$/
/** Longer pieces, of lines of many MB, are rare. */
const MAX_CHARS = 512 * 1024

export class ImportSpool {
  readonly path: string
  readonly #fd: number
  readonly #buffer = Buffer.allocUnsafe(3 * MAX_CHARS)
  bytes = 0

  constructor(folder: string) {
    refuseLink(folder)
    const { pid, start } = thisProcess()
    this.path = path.join(folder, `${pid}-${/^\d*$/.test(start) ? start : ''}-${randomNonce()}.jsonl`)
    this.#fd = createIn(folder, this.path)
  }

  write(text: string): void {
    // one buffer for all: one for each piece would wait in memory for the garbage collector
    const bytes = text.length <= MAX_CHARS ? this.#buffer.subarray(0, this.#buffer.write(text)) : Buffer.from(text)
    writeAll(this.#fd, bytes)
    this.bytes += bytes.length
  }

  /** Nothing more will be written. */
  close(): void {
    fs.closeSync(this.#fd)
  }

  /** Makes all that was written survive a power cut. */
  sync(): Promise<void> {
    return sync(this.#fd)
  }
}

/** Another import may take the empty folder away just now. */
function createIn(folder: string, file: string): number {
  for (let attempt = 1; ; attempt++) {
    ensureFolder(folder)
    try {
      return createPrivate(file)
    } catch (error) {
      if (errno(error) !== 'ENOENT' || attempt === 5) throw error
    }
  }
}

/** Removes a file that is not needed any more, and the folder when nothing else is in it. */
export function removeSpool(file: string): void {
  removeFile(file)
  removeEmptyFolder(path.dirname(file))
}

/** Removes what imports left whose process is gone. */
export function sweepSpools(folder: string): void {
  const here = thisProcess()
  for (const name of listFolder(folder)) {
    const [, pid, start] = NAME.exec(name) ?? []
    if (pid === undefined) continue
    const file = path.join(folder, name)
    if (livenessOf({ ...here, pid: Number(pid), start: start ?? '' }) === 'dead') removeFile(file)
  }
  removeEmptyFolder(folder)
}
