import { openStore, type Session, type SessionStore } from '../../../src/index.js'
import { tempFolder } from '../../helpers/store.js'

export async function makeStore(): Promise<{ store: SessionStore; session: Session }> {
  const store = await openStore(tempFolder())
  return { store, session: store.session('ann') }
}

/** What a promise rejects with; throws where it does not. */
export async function caught(work: Promise<unknown>): Promise<unknown> {
  let value: unknown
  try {
    value = await work
  } catch (error) {
    return error
  }
  throw new Error(`resolved with ${String(value)}`)
}

/** A promise that may reject before anybody looks. */
export function quietly<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {})
  return work
}
