import { isObject } from '../../base/json.js'
import type { RemovedMessage } from '../../index.js'
import { findKey } from '../find-key.js'
import { escapeLine, jsonLine } from '../terminal/escape.js'
import { count, stamp } from '../terminal/format.js'
import { messageText } from '../terminal/message.js'
import { paint, print } from '../terminal/output.js'
import { withExistingStore } from '../with-store.js'
import { heading, noteDamage, type ShowOptions } from './show.js'

/** The messages that were removed and are still in the log, each under the id that restore wants. */
export async function showRemoved(given: string, { root, json }: ShowOptions): Promise<number> {
  return withExistingStore(root, async (store) => {
    const key = await findKey(store, given)
    if (key === null) return 1
    const session = store.session(key)
    const info = await session.info()
    const removed = await session.removed()
    if (!json) await print(heading(session, info, count(removed.length, 'removed message')))
    noteDamage(info)
    for (const one of removed) {
      if (!(await print(json ? jsonLine(one) : `\n${removedText(one)}`))) break
    }
    return 0
  })
}

function removedText({ id, at, removedAt, message }: RemovedMessage): string {
  const when = removedAt === null ? '' : `  ${paint('dim', `removed ${stamp(new Date(removedAt))}`)}`
  const text =
    isObject(message) && typeof message.role === 'string'
      ? messageText({ at, ...message, role: message.role, id })
      : `  ${jsonLine(message)}`
  return `${paint('cyan', escapeLine(id))}${when}\n${text}`
}
