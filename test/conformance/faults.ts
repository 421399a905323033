/** A file system that fails. It reaches every caller of `fs.xxx` on the default export of node:fs. */
import fs from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A function of node:fs, whichever it is. */
// biome-ignore lint/suspicious/noExplicitAny: its arguments are of all kinds
export type Call = (...args: any[]) => any

/**
 * Makes the function that stands in for an operation. `call` is the operation itself; in the asynchronous forms it
 * returns a promise, and what stands in may return one. No form has a callback argument here.
 */
export type StandIn = (call: Call) => Call

/** The methods of a FileHandle that have another name than the operation. */
const METHODS: Readonly<Record<string, string>> = {
  ...{ fsync: 'sync', fdatasync: 'datasync', ftruncate: 'truncate', fchmod: 'chmod', fstat: 'stat', futimes: 'utimes' },
  ...{ read: 'read', write: 'write', close: 'close' },
}

const handle = await fs.promises.open(fileURLToPath(import.meta.url))
const fileHandle = Object.getPrototypeOf(handle)
await handle.close()

/**
 * Replaces an operation of node:fs (`open`, `rename`, `fsync`) in all its forms: synchronous, with a callback, as a
 * promise and as a method of a FileHandle. By a name like `fsyncSync` it replaces the synchronous form alone.
 * Returns what undoes it.
 */
export function replaceOperation(operation: string, standIn: StandIn): () => void {
  const blocking = replace(fs, operation.replace(/(Sync)?$/, 'Sync'), (original) => standIn(original.bind(fs)))
  if (operation.endsWith('Sync')) return blocking
  const undo = [
    blocking,
    replace(fs, operation, (original) => withCallback(original.bind(fs), standIn)),
    replace(fs.promises, operation, (original) => {
      const act = standIn(original.bind(fs.promises))
      return async (...args) => act(...args)
    }),
    replace(fileHandle, METHODS[operation], (original) => asMethod(original, standIn)),
  ]
  return () => {
    for (const one of undo.reverse()) one()
  }
}

function withCallback(original: Call, standIn: StandIn): Call {
  return (...args) => {
    const done = args.pop()
    let others: unknown[] = []
    const call: Call = (...these) =>
      new Promise((resolve, reject) => {
        original(...these, (error: unknown, result: unknown, ...more: unknown[]) => {
          others = more
          if (error) reject(error)
          else resolve(result)
        })
      })
    const settle = async () => standIn(call)(...args)
    settle().then(
      (result) => process.nextTick(done, null, result, ...others),
      (error) => process.nextTick(done, error),
    )
  }
}

function asMethod(original: Call, standIn: StandIn): Call {
  return async function (this: fs.promises.FileHandle, ...args: unknown[]) {
    const count = (result: { bytesRead?: number; bytesWritten?: number } | undefined) =>
      result?.bytesRead ?? result?.bytesWritten ?? result
    const call: Call = async (_, ...these) => count(await original.apply(this, these))
    const result = await standIn(call)(this.fd, ...args)
    return typeof result === 'number' ? { bytesRead: result, bytesWritten: result, buffer: args[0] } : result
  }
}

/** Does nothing where there is no such function. */
function replace(target: object, name: string | undefined, make: (original: Call) => Call): () => void {
  const functions = target as Record<string, Call | undefined>
  const former = name === undefined ? undefined : functions[name]
  if (name === undefined || former === undefined) return () => {}
  functions[name] = make(former)
  return () => {
    functions[name] = former
  }
}

/** Runs `action` while the operations with these names fail with `code`, for all calls whose arguments `where` accepts. */
export async function whileFailing(
  { names, code, where = () => true }: { names: string[]; code: string; where?: (...args: unknown[]) => boolean },
  action: () => Promise<void>,
): Promise<void> {
  const undo = names.map((name) =>
    replaceOperation(name, (call) => (...args) => {
      if (where(...args)) throw Object.assign(new Error(`${code}: injected`), { code })
      return call(...args)
    }),
  )
  try {
    await action()
  } finally {
    for (const one of undo.reverse()) one()
  }
}

/** Runs `action` on a disk that takes half of the next bytes and then no more. */
export async function whileDiskFills(action: () => Promise<void>): Promise<void> {
  let full = false
  const undo = replaceOperation('write', (call) => (fd, bytes, offset = 0, length, ...rest) => {
    if (full || !ArrayBuffer.isView(bytes)) {
      throw Object.assign(new Error('ENOSPC: injected, write'), { code: 'ENOSPC', syscall: 'write' })
    }
    full = true
    const all = typeof length === 'number' ? length : bytes.byteLength - offset
    return call(fd, bytes, offset, Math.ceil(all / 2), ...rest)
  })
  try {
    await action()
  } finally {
    undo()
  }
}
