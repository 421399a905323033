import { randomUUID } from 'node:crypto'
import { SessionError, type SessionStore } from '../../index.js'
import type { Incoming } from './inbox.js'
import type { Responder } from './responder.js'

/**
 * One turn, the way a bot runs it: running, the user's message, the answer, idle. When the answer fails, the user's
 * message stays and the session is in state error. Nothing is held while the answer is on its way.
 */
export async function runTurn(store: SessionStore, incoming: Incoming, respond: Responder): Promise<void> {
  const session = store.session(incoming.sender)
  const turnId = randomUUID()
  await session.setState('running', turnId)
  try {
    await session.append({ role: 'user', content: incoming.text })
    const answer = incoming.reply ?? (await respond(session))
    await session.append({ role: 'assistant', content: answer })
  } catch (error) {
    await endTurn('error').catch((second: unknown) => {
      // Both are worth telling: the session is left running by the second one.
      throw new AggregateError(
        [error, second],
        `${messageOf(error)}; and its state cannot be set: ${messageOf(second)}`,
      )
    })
    throw error
  }
  await endTurn('idle')

  async function endTurn(state: 'idle' | 'error'): Promise<void> {
    try {
      await session.setState(state, turnId)
    } catch (error) {
      // Another process has begun a newer turn with this sender: the state is its business now.
      if (!(error instanceof SessionError && error.code === 'ERR_TURN_MISMATCH')) throw error
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
