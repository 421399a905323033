/** Random work on one session, through the store and through what else writes to logs. */
import fs from 'node:fs'
import { JsonlPersistence } from '../../src/contracts/persistence.js'
import { JsonlSessionManager } from '../../src/contracts/session-manager.js'
import type { Session, SessionStore } from '../../src/index.js'
import { reachOver } from '../../src/log/survey.js'
import { rewriteLog } from '../../src/rewrite-log.js'

type Work = (session: Session, store: SessionStore, random: () => number) => Promise<unknown>

const TEXTS = ['hi', 'Zwölf Boxkämpfer', '写真を見て', 'a\nb', '👩‍👩‍👧 ok', '']
let made = 0

function text(random: () => number): string {
  return `${TEXTS[Math.floor(random() * TEXTS.length)]} ${made++}`
}

const append: Work = (session, _, random) =>
  session.append({ role: 'assistant', content: text(random), usage: { promptTokens: Math.floor(random() * 100) } })

const WORK: Work[] = [
  append,
  append,
  (session, _, random) =>
    session.append([
      { role: 'user', content: text(random) },
      { role: 'assistant', content: null, toolCalls: `[{"id":"c${made}","name":"ls"}]` },
      { role: 'tool', toolCallId: `c${made}`, content: text(random) },
    ]),
  (session) => session.removeLast(),
  async (session, _, random) => {
    const ids = (await session.messages()).map(({ id }) => String(id))
    return ids.length > 0 && session.remove(ids[Math.floor(random() * ids.length)] as string)
  },
  (session, _, random) => session.setName(text(random)),
  (session) => session.tag([`t${made++}`]),
  (session, _, random) => session.setMetadata(`k${Math.floor(random() * 3)}`, text(random)),
  (session) => session.rewrite(),
  (session, store, random) =>
    new JsonlPersistence(store).compactSession(session.key, `summary ${made++}`, Math.floor(random() * 4)),
  (session, store) =>
    rewriteLog(store.internals.log(session.key), ({ offset }, survey) => reachOver(offset, survey) !== undefined),
  (session, store) => new JsonlSessionManager(store).tag(session.key, [`m${made++}`]),
  async (session, store, random) => {
    const id = store.internals.context.clock.id('')
    const nodes = [{ nodeId: `n${made++}`, timestamp: 'now', kind: 'event', event: text(random) }]
    const commit = {
      type: 'commit',
      id,
      at: new Date().toISOString(),
      session: session.key,
      revision: 1,
      nodes,
      leaf: null,
    }
    fs.appendFileSync(session.path, `${JSON.stringify({ ...commit, config: {}, checkpoint: null, usage: [] })}\n`)
  },
  async (session) =>
    fs.appendFileSync(session.path, `${JSON.stringify({ role: 'user', content: `by hand ${made++}` })}\n`),
]

export async function workOn(
  session: Session,
  store: SessionStore,
  steps: number,
  random: () => number,
): Promise<void> {
  for (let i = 0; i < steps; i++) await (WORK[Math.floor(random() * WORK.length)] as Work)(session, store, random)
}

/** The ids of the messages, in order. */
export async function idsOf(session: Session): Promise<string[]> {
  return (await session.messages()).map(({ id }) => String(id))
}
