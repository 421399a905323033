/** How a row brings its competitors to the harness. */

/** Messages that are written at once while a store is filled. */
const CHUNK = 1000

/**
 * `prepare(store, dir)` returns what the runner asks for. `fill(store)` is done before, by a store that is closed
 * again, so that what is measured reads from disk. `as` says in the table what it is, if that is not plain.
 */
export function contestant(Store, prepare, { name = Store.title, as, fill } = {}) {
  return {
    name,
    as,
    async start(dir) {
      if (fill !== undefined) await withStore(Store, dir, fill)
      const store = await Store.open(dir)
      return { stop: () => store.close(), ...(await prepare(store)) }
    },
  }
}

export async function withStore(Store, dir, work) {
  const store = await Store.open(dir)
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

export async function fillSession(store, key, messages) {
  for (let i = 0; i < messages.length; i += CHUNK) await store.fill(key, messages.slice(i, i + CHUNK))
}
