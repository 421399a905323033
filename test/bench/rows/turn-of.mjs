import { messageAt } from '../messages.mjs'

/** Turn `number` of a session: the question, the last 50 messages and the answer, between running and idle. */
export async function turnOf(store, key, number) {
  const question = messageAt(2 * number)
  const answer = messageAt(2 * number + 1)
  if (store.turn !== undefined) return store.turn(key, question, answer)
  await store.setState(key, 'running', `turn-${number}`)
  await store.append(key, question)
  await store.last(key, 50)
  await store.append(key, answer)
  await store.setState(key, 'idle', null)
}
