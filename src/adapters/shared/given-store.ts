/** The store of an adapter: given as one, or as the promise of one. */
import { type AnyStore, SessionStore } from '../../store/store.js'

export type GivenStore = AnyStore | PromiseLike<AnyStore>

/**
 * A rejected promise rejects every call of the adapter, and is never unhandled. All calls wait equally long, so that
 * they reach the store in call order. @throws TypeError for what is neither a store nor a promise
 */
export function storeOf(given: GivenStore): Promise<AnyStore> {
  if (!(given instanceof SessionStore) && typeof given?.then !== 'function')
    throw new TypeError('an adapter needs a store, or a promise of one')
  const store = Promise.resolve(given).then((opened) => {
    if (!(opened instanceof SessionStore)) throw new TypeError('the promise that an adapter was given is of no store')
    return opened
  })
  store.catch(() => {})
  return store
}
