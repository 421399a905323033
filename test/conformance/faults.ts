/** A file system that fails. It reaches whoever calls `fs.xxx` on the default export of node:fs. */
import fs from 'node:fs'

type Call = (...args: unknown[]) => unknown

/**
 * Runs `action` while the functions of node:fs with these names fail with `code`, in their synchronous,
 * callback and promise forms, for all calls whose arguments `where` accepts.
 */
export async function whileFailing(
  { names, code, where = () => true }: { names: string[]; code: string; where?: (...args: unknown[]) => boolean },
  action: () => Promise<void>,
): Promise<void> {
  const failure = () => Object.assign(new Error(`${code}: injected`), { code })
  const restore = names.flatMap((name) => [
    patch(fs, `${name}Sync`, (call) => (...args) => {
      if (where(...args)) throw failure()
      return call(...args)
    }),
    patch(fs, name, (call) => (...args) => {
      if (!where(...args)) return call(...args)
      process.nextTick(args.at(-1) as Call, failure())
      return undefined
    }),
    patch(fs.promises, name, (call) => async (...args) => {
      if (where(...args)) throw failure()
      return call(...args)
    }),
  ])
  try {
    await action()
  } finally {
    for (const undo of restore) undo()
  }
}

/** Runs `action` on a disk that takes half of the next bytes and then no more. */
export async function whileDiskFills(action: () => Promise<void>): Promise<void> {
  let full = false
  const undo = patch(fs, 'writeSync', (call) => (fd, bytes, offset = 0, length, ...rest) => {
    if (full || !ArrayBuffer.isView(bytes)) {
      throw Object.assign(new Error('ENOSPC: injected, write'), { code: 'ENOSPC', syscall: 'write' })
    }
    full = true
    const all = typeof length === 'number' ? length : bytes.byteLength - (offset as number)
    return call(fd, bytes, offset, Math.ceil(all / 2), ...rest)
  })
  try {
    await action()
  } finally {
    undo()
  }
}

function patch(target: object, name: string, wrap: (call: Call) => Call): () => void {
  const functions = target as Record<string, Call | undefined>
  const former = functions[name]
  if (former === undefined) return () => {}
  functions[name] = wrap(former.bind(target))
  return () => {
    functions[name] = former
  }
}
