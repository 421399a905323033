/** File calls that not every system can do, or does alike. */
import fs from 'node:fs'
import { errno } from '../../base/errors.js'
import { thisSystem } from './system.js'

/** What Windows reports of a file that another program, such as a virus scanner, holds for a moment, and of folders. */
const REFUSED = ['EPERM', 'EACCES', 'EBUSY']
/** The last of the waits before a rename is given up, each twice the one before, ms: a quarter of a second in all. */
const LAST_WAIT_MS = 128
/** Systems that cannot open a folder, or cannot sync it. */
const UNSYNCABLE = ['EINVAL', 'EISDIR', 'EPERM', 'ENOTSUP']
/** 2^64 divided by the golden ratio, odd: multiples of it lie far apart. */
const GOLDEN = 0x9e3779b97f4a7c15n

/** The stat of what is at a path, of a link itself; undefined when there is nothing. */
export function lstat(file: string): fs.Stats | undefined {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false })
  return isExact(stat) ? stat : exact(fs.lstatSync(file, { bigint: true, throwIfNoEntry: false }))
}

/** The same behind links. */
export function stat(file: string): fs.Stats | undefined {
  const found = fs.statSync(file, { throwIfNoEntry: false })
  return isExact(found) ? found : exact(fs.statSync(file, { bigint: true, throwIfNoEntry: false }))
}

export function fstat(fd: number): fs.Stats {
  const found = fs.fstatSync(fd)
  return isExact(found) ? found : (exact(fs.fstatSync(fd, { bigint: true })) as fs.Stats)
}

function isExact(found: fs.Stats | undefined): boolean {
  return found === undefined || Number.isSafeInteger(found.ino)
}

/**
 * The numbers of files are 64 bits long, as on NTFS, and a JavaScript number holds 53 of them exactly: two files must not
 * become one by rounding. Larger ones are multiplied by an odd constant and keep the upper 53 bits. Numbers that are
 * less than 2^51 apart, and numbers of NTFS that differ only in how often a record was used again, stay different.
 */
function exact(big: fs.BigIntStats | undefined): fs.Stats | undefined {
  if (big === undefined) return undefined
  const numbers = Object.entries(big).flatMap(([name, value]) =>
    typeof value === 'bigint' ? [[name, Number(value)]] : [],
  )
  const times = ['atime', 'mtime', 'ctime', 'birthtime'] as const
  return Object.assign(Object.create(fs.Stats.prototype), Object.fromEntries(numbers), {
    ...Object.fromEntries(times.map((name) => [`${name}Ms`, Number(big[`${name}Ns`]) / 1e6])),
    ino: Number(BigInt.asUintN(64, big.ino * GOLDEN) >> 11n),
  })
}

/** Renames; on Windows again for a quarter of a second where another program holds the file. */
export function rename(from: string, to: string): void {
  for (let wait = 1; ; wait *= 2) {
    try {
      fs.renameSync(from, to)
      return
    } catch (error) {
      if (wait > LAST_WAIT_MS || !isRefusedByWindows(error)) throw error
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, wait)
  }
}

/** True for what only Windows refuses to rename, and may do a moment later or by another way. */
export function isRefusedByWindows(error: unknown): boolean {
  return thisSystem.platform === 'win32' && REFUSED.includes(errno(error) ?? '')
}

/** True for what systems report that cannot sync folders: there is nothing to be done about it. */
export function isUnsyncable(error: unknown): boolean {
  return UNSYNCABLE.includes(errno(error) ?? '')
}
