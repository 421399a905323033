import { JsonlPersistence, type Message } from '../../contracts/persistence/index.js'
import { findKey } from '../find-key.js'
import { jsonLine } from '../terminal/escape.js'
import { count } from '../terminal/format.js'
import { messageText } from '../terminal/message.js'
import { print } from '../terminal/output.js'
import { withExistingStore } from '../with-store.js'
import { heading, noteDamage, type ShowOptions } from './show.js'

/** What the model would see of a session: the summary in force, then what is not archived and belongs together. */
export async function showContext(given: string, { root, json }: ShowOptions): Promise<number> {
  return withExistingStore(root, async (store) => {
    const key = await findKey(store, given)
    if (key === null) return 1
    const session = store.session(key)
    const info = await session.info()
    const context = await new JsonlPersistence(store).loadContext(key)
    if (!json)
      await print(heading(session, info, `${context.length} in context of ${count(info?.messages ?? 0, 'message')}`))
    noteDamage(info)
    for (const message of context) {
      if (!(await print(json ? jsonLine(message) : `\n${contextText(message)}`))) break
    }
    return 0
  })
}

/** Without what no model gets to see, such as the counters. */
function contextText({ id, at, role, kind, content, toolCalls, toolCallId, agentName }: Message): string {
  const fields = Object.entries({ content, toolCalls, toolCallId, agentName }).filter(([, value]) => value !== null)
  return messageText({ id, at, role: kind === undefined ? role : `${role} (${kind})`, ...Object.fromEntries(fields) })
}
