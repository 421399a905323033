import type { SessionStore } from '../../index.js'
import type { Incoming } from './inbox.js'
import type { Responder } from './responder.js'

/** `reply` is undefined where another turn has answered the message. */
export interface TurnResult {
  reply: string | undefined
  turnId: string | undefined
}

/**
 * One turn, the way a bot runs it: the message is on disk before its turn comes, and the answer says so. When the answer
 * fails, the message waits for the sender's next turn and the session is in state error.
 */
export async function runTurn(store: SessionStore, incoming: Incoming, respond: Responder): Promise<TurnResult> {
  const session = store.session(incoming.sender)
  const done = await session.turn({ role: 'user', content: incoming.text }, async (turn) => {
    const reply = incoming.reply ?? (await respond(session, turn))
    await turn.answer({ role: 'assistant', content: reply })
    return { reply, turnId: turn.id }
  })
  return done ?? { reply: undefined, turnId: undefined }
}
