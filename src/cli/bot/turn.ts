import type { SessionStore } from '../../index.js'
import type { Incoming } from './inbox.js'
import type { Responder } from './responder.js'

/**
 * One turn, the way a bot runs it: the message is on disk before its turn comes, and the answer says so. When the answer
 * fails, the message waits for the sender's next turn and the session is in state error.
 */
export async function runTurn(store: SessionStore, incoming: Incoming, respond: Responder): Promise<void> {
  const session = store.session(incoming.sender)
  await session.turn({ role: 'user', content: incoming.text }, async (turn) => {
    const content = incoming.reply ?? (await respond(session, turn))
    await turn.answer({ role: 'assistant', content })
  })
}
