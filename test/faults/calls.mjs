/**
 * The file calls of this process, counted and made to fail. Must be loaded before the library, which calls them on
 * the default export of node:fs; so do its packages.
 */
import fs from 'node:fs'

/** Calls that change something. */
export const CHANGES = new Set([
  ...[
    'writeSync',
    'mkdirSync',
    'chmodSync',
    'fchmodSync',
    'fchownSync',
    'fsyncSync',
    'fsync',
    'fdatasync',
    'utimesSync',
  ],
  ...['ftruncateSync', 'renameSync', 'linkSync', 'unlinkSync', 'rmdirSync', 'rmSync', 'openSync'],
])
const READS = ['readSync', 'read', 'fstatSync', 'lstatSync', 'statSync', 'readdirSync', 'opendirSync', 'closeSync']

const original = {}
let armed

export function arm(fault = { nth: Number.POSITIVE_INFINITY }) {
  armed = { ...fault, calls: [], hit: null }
}

/** What was called since `arm`, and the name of the call that was hit first. */
export function disarm() {
  const { calls, hit } = armed
  armed = undefined
  return { calls, hit }
}

export function systemError(code) {
  const errno = { EDQUOT: -122 }[code]
  // libuv has no name for it: the error has a number only
  return Object.assign(new Error(`${code}: injected`), errno ? { code: 'UNKNOWN', errno } : { code })
}

function die() {
  process.kill(process.pid, 'SIGKILL')
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

function patched(name, args) {
  const run = () => original[name].apply(fs, args)
  if (armed === undefined) return run()
  const { nth, kind, code, lasting, calls } = armed
  calls.push(name)
  if (armed.full && name === 'writeSync') throw systemError('ENOSPC')
  if (calls.length !== nth && !(lasting && calls.length > nth)) return run()
  // no two runs make quite the same calls: a fault meets only a call that it can happen to
  if (kind === 'torn' && name !== 'writeSync') return run()
  if ((kind === 'short' || kind === 'full') && !/^(write|read)Sync$/.test(name)) return run()
  if (kind === 'late' && name === 'openSync') return run()
  if (name === 'closeSync' && code !== undefined && code !== 'EIO') return run()
  armed.hit ??= name
  if (kind === 'crash') die()
  if (kind === 'crash after') {
    run()
    die()
  }
  if (kind === 'torn') {
    const [fd, bytes, offset, length, position] = args
    original.writeSync(fd, bytes, offset, Math.trunc(length / 2), position)
    die()
  }
  if (kind === 'short' || kind === 'full') {
    const [fd, bytes, offset, length, position] = args
    const count = original[name](fd, bytes, offset, Math.ceil(length / 2), position)
    if (kind === 'full') armed.full = true
    return count
  }
  const done = args.at(-1)
  const error = systemError(code)
  // the descriptor is closed even when close fails
  if (kind === 'late' || name === 'closeSync') {
    if (typeof done !== 'function') {
      run()
      throw error
    }
    return original[name](...args.slice(0, -1), () => done(error))
  }
  if (typeof done !== 'function') throw error
  setImmediate(() => done(error))
}

for (const name of [...CHANGES, ...READS]) {
  original[name] = fs[name]
  fs[name] = (...args) => patched(name, args)
}

/** The faults that a call can have. */
export function faultsOf(name) {
  if (name === 'closeSync') return [{ kind: 'late', code: 'EIO' }]
  const errors = (codes) =>
    codes.flatMap((code) => [
      { kind: 'error', code },
      { kind: 'error', code, lasting: true },
    ])
  if (name === 'readSync') return [...errors(['EIO']), { kind: 'short' }]
  if (!CHANGES.has(name)) return errors(['EIO', 'EACCES', 'EMFILE'])
  const faults = errors(['EIO', 'ENOSPC', 'EACCES', 'EROFS', 'EMFILE', 'EDQUOT'])
  if (name === 'writeSync') faults.push({ kind: 'short' }, { kind: 'full' }, { kind: 'torn' })
  if (name !== 'openSync') faults.push({ kind: 'late', code: 'EIO' })
  return [...faults, { kind: 'crash' }, { kind: 'crash after' }]
}

export function isCrash({ kind }) {
  return kind === 'crash' || kind === 'crash after' || kind === 'torn'
}

export function nameOfFault({ kind, code, lasting }) {
  return [kind === 'error' ? code : code ? `${code} ${kind}` : kind, lasting ? 'lasting' : ''].filter(Boolean).join(' ')
}
