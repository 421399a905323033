import { resolve } from 'node:path'
import type { RewindTarget, Session } from '../../../index.js'
import { findKey } from '../../find-key.js'
import { escapeLine, jsonLine } from '../../terminal/escape.js'
import { count } from '../../terminal/format.js'
import { note, PROGRAM, print } from '../../terminal/output.js'
import { type GlobalOptions, withExistingStore } from '../../with-store.js'

export interface RewindOptions extends GlobalOptions {
  to?: string
  keep?: number
  dryRun?: boolean
  json?: boolean
}

/** Above this the command that undoes it is no longer spelled out. */
const MOST_IDS = 10

export async function rewind(given: string, { root, json, to, keep = 0, dryRun }: RewindOptions): Promise<number> {
  return withExistingStore(root, async (store) => {
    const key = await findKey(store, given)
    const session = store.session(key)
    const target: RewindTarget = to === undefined ? { keep } : { to }
    if (dryRun) {
      const would = await session.rewind(target, { dryRun: true })
      if (json) await print(jsonLine({ root: resolve(root), key, wouldRemove: would }))
      else
        await print(
          `${escapeLine(key)}: ${would === 0 ? 'nothing to remove' : `would remove ${count(would, 'message')}`}`,
        )
      return 0
    }
    const removed = await removedBy(session, () => session.rewind(target))
    if (json) await print(jsonLine({ root: resolve(root), key, removed }))
    else {
      await print(
        `${escapeLine(key)}: ${removed.length === 0 ? 'nothing to remove' : `removed ${count(removed.length, 'message')}`}`,
      )
      if (removed.length > 0) note(undoing(key, removed))
    }
    return 0
  })
}

/** Ids of the messages that `work` removes, in the order of the log. */
async function removedBy(session: Session, work: () => Promise<unknown>): Promise<string[]> {
  const before = new Set((await session.removed()).map(({ id }) => id))
  await work()
  return (await session.removed()).map(({ id }) => id).filter((id) => !before.has(id))
}

function undoing(key: string, ids: readonly string[]): string {
  if (ids.length > MOST_IDS) return `to bring some back, see: ${PROGRAM} show ${escapeLine(key)} --removed`
  return `to undo: ${PROGRAM} restore ${escapeLine(key)} ${ids.map(escapeLine).join(' ')}`
}
