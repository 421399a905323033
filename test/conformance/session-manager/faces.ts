/** Several contracts over one store as one object, so that one weather is over them all. */
import type { OpenedManager } from '../session-manager.js'

export type Face = 'manager' | 'backend' | 'persistence'
type Call = (...args: unknown[]) => unknown

/** The methods of all faces, under names such as `manager.save`. */
export type Joined = Record<string, Call | undefined>

const openedBehind = new WeakMap<object, OpenedManager>()

export function join(opened: OpenedManager): Joined {
  const joined = new Proxy<Joined>(
    {},
    {
      get(_, path) {
        const [face, method] = String(path).split('.')
        if (method === undefined) return undefined
        const target = opened[face as Face] as unknown as Joined | undefined
        return target?.[method]?.bind(target)
      },
    },
  )
  openedBehind.set(joined, opened)
  return joined
}

/** One face again. */
export function faceOf<T extends object>(joined: Joined, face: Face): T {
  return new Proxy({} as T, {
    // a promise that is resolved with a face looks whether that is a promise too
    get: (_, method) => (method === 'then' ? undefined : joined[`${face}.${String(method)}`]),
  })
}

/** The weather `rewritten`. A log of a newer version cannot be rewritten, and must not be. */
export async function rewriteAll(joined: Joined): Promise<void> {
  const { manager, rewrite } = openedBehind.get(joined) as OpenedManager
  for (const { id } of await manager.list()) {
    await rewrite(id).catch((error: { code?: unknown }) => {
      if (!['ERR_VERSION_UNSUPPORTED', 'ERR_NOT_A_LOG'].includes(String(error.code))) throw error
    })
  }
}
