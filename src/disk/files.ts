/** Calls of the file system that never follow links or block. Every file of a store is opened, read and made here. */
import fs from 'node:fs'
import { errno, isStale } from '../base/errors.js'
import { fstat, lstat } from './platform/calls.js'
import { thisSystem } from './platform/system.js'

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDONLY, O_WRONLY } = fs.constants
/** Larger reads go to the thread pool, which costs more than a small read itself. */
const SYNC_READ_BYTES = 256 * 1024

/**
 * The stat of the regular file at `file`, `'other'` for anything else, undefined for nothing. Links are not followed.
 */
export function statFile(file: string): fs.Stats | 'other' | undefined {
  const stat = lstat(file)
  return stat === undefined || stat.isFile() ? stat : 'other'
}

/** Opens a regular file, never blocking on a FIFO and never through a link; undefined when there is none. */
export function openRegular(file: string, flags: number = O_RDONLY): { fd: number; stat: fs.Stats } | undefined {
  // Windows has no flag for it
  if (thisSystem.platform === 'win32' && lstat(file)?.isSymbolicLink()) return undefined
  let fd: number
  try {
    fd = fs.openSync(file, flags | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    const code = errno(error)
    if (code === 'ENOENT') return undefined
    // a link, a folder, a FIFO without a reader, a socket
    if (['ELOOP', 'EMLINK', 'EISDIR', 'ENXIO', 'EFTYPE'].includes(code ?? '')) return undefined
    throw error
  }
  try {
    const stat = fstat(fd)
    if (stat.isFile()) return { fd, stat }
  } catch (error) {
    fs.closeSync(fd)
    throw error
  }
  fs.closeSync(fd)
  return undefined
}

/** Closes a descriptor. Of a file that another machine has replaced there is nothing left to be written. */
export function closeFile(fd: number): void {
  try {
    fs.closeSync(fd)
  } catch (error) {
    if (!isStale(error)) throw error
  }
}

/** Reads `length` bytes at `position`; fewer only where the file ends before. */
export function readSync(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length)
  const done = readIntoSync(buffer, fd, position)
  return done === length ? buffer : buffer.subarray(0, done)
}

/** Fills the buffer; returns how many bytes there were. */
export function readIntoSync(buffer: Buffer, fd: number, position: number): number {
  let done = 0
  while (done < buffer.length) {
    const count = fs.readSync(fd, buffer, done, buffer.length - done, position + done)
    if (count === 0) break
    done += count
  }
  return done
}

/** As `readSync`, but large reads do not hold the event loop. */
export async function read(fd: number, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  return buffer.subarray(0, await readInto(buffer, fd, position))
}

/** Fills the buffer; returns how many bytes there were. Large reads do not hold the event loop. */
export async function readInto(buffer: Buffer, fd: number, position: number): Promise<number> {
  let done = 0
  while (done < buffer.length) {
    const count = await readSome(buffer.subarray(done), fd, position + done)
    if (count === 0) break
    done += count
  }
  return done
}

function readSome(buffer: Buffer, fd: number, position: number): Promise<number> | number {
  const { length } = buffer
  if (length <= SYNC_READ_BYTES) return fs.readSync(fd, buffer, 0, length, position)
  return new Promise((resolve, reject) =>
    fs.read(fd, buffer, 0, length, position, (error, count) => (error ? reject(error) : resolve(count))),
  )
}

/** The whole of a small file; undefined when there is no such regular file. */
export function readSmall(file: string): { bytes: Buffer; stat: fs.Stats } | undefined {
  const opened = openRegular(file)
  if (opened === undefined) return undefined
  try {
    return { bytes: readSync(opened.fd, 0, opened.stat.size), stat: opened.stat }
  } finally {
    closeFile(opened.fd)
  }
}

/** The last byte of a file; undefined when it is empty or there is none. */
export function lastByteOf(file: string): number | undefined {
  const opened = openRegular(file)
  if (opened === undefined) return undefined
  try {
    return opened.stat.size === 0 ? undefined : readSync(opened.fd, opened.stat.size - 1, 1)[0]
  } finally {
    fs.closeSync(opened.fd)
  }
}

/** Writes all bytes, repeating short writes until the system reports an error. */
export function writeAll(fd: number, bytes: Buffer, position: number | null = null): void {
  let done = 0
  while (done < bytes.length) {
    const at = position === null ? null : position + done
    const count = fs.writeSync(fd, bytes, done, bytes.length - done, at)
    if (count === 0) throw Object.assign(new Error('the file takes no more bytes'), { code: 'EIO' })
    done += count
  }
}

/** Makes a new private file; fails with EEXIST when there is anything under that name. */
export function createPrivate(file: string): number {
  const fd = fs.openSync(file, O_APPEND | O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600)
  try {
    fs.fchmodSync(fd, 0o600)
  } catch (error) {
    fs.closeSync(fd)
    removeFile(file)
    throw error
  }
  return fd
}

/** True for a regular file that has not been written to for longer than `ms`. */
export function isOlderThan(file: string, ms: number): boolean {
  const stat = statFile(file)
  return stat !== undefined && stat !== 'other' && Date.now() - stat.mtimeMs > ms
}

/** Removes a file, or reports false when there was none. */
export function removeFile(file: string): boolean {
  try {
    fs.unlinkSync(file)
    return true
  } catch (error) {
    if (errno(error) === 'ENOENT') return false
    throw error
  }
}

/** Removes a file, but not a folder under its name, which is not ours. */
export function removeOwnFile(file: string): void {
  if (!fs.lstatSync(file, { throwIfNoEntry: false })?.isDirectory()) removeFile(file)
}

/** As fs.fsync, without holding the event loop. */
export function sync(fd: number): Promise<void> {
  return new Promise((resolve, reject) => fs.fsync(fd, (error) => (error ? reject(error) : resolve())))
}
