import type { Session } from '../../../index.js'
import { findKey } from '../../find-key.js'
import { escapeLine } from '../../terminal/escape.js'
import { print } from '../../terminal/output.js'
import { type GlobalOptions, withExistingStore } from '../../with-store.js'

export async function tag(given: string, tags: readonly string[], { root }: GlobalOptions): Promise<number> {
  return change(root, given, (session) => session.tag(tags))
}

export async function untag(given: string, tags: readonly string[], { root }: GlobalOptions): Promise<number> {
  return change(root, given, (session) => session.untag(tags))
}

export async function rename(given: string, name: string, { root }: GlobalOptions): Promise<number> {
  return change(root, given, (session) => session.setName(name === '' ? null : name))
}

/** Changes labels, and shows what they are then. */
async function change(root: string, given: string, work: (session: Session) => Promise<void>): Promise<number> {
  return withExistingStore(root, async (store) => {
    const key = await findKey(store, given)
    const session = store.session(key)
    await work(session)
    const name = (await session.name()) ?? ''
    const tags = (await session.tags()).map((one) => `#${escapeLine(one)}`)
    await print([escapeLine(key), escapeLine(name), ...tags].filter((text) => text !== '').join('  '))
    return 0
  })
}
