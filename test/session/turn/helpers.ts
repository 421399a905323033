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

/** Tells when a turn's function has begun. */
export function beginning(): { begun: Promise<void>; begin: () => undefined } {
  let begin: () => undefined = () => undefined
  const begun = new Promise<void>((resolve) => {
    begin = () => {
      resolve()
      return undefined
    }
  })
  return { begun, begin: () => begin() }
}
