/** Forks of sessions whose labels lie far apart in the log. */
import { expect, test } from 'vitest'
import { JsonlSessionManager, type Session } from '../../src/contracts/session-manager.js'
import { open, tempFolder } from '../helpers/store.js'

/** More than what is read of a log at a time. */
const FAR = 'a long answer '.repeat(60_000)

test('a state that was cleared far behind where it was set stays cleared in the copy', async () => {
  const manager = new JsonlSessionManager(await open(tempFolder()))
  const session: Session = {
    metadata: { id: 's', name: '', createdAt: 0, updatedAt: 0, tags: [], agentName: '', turnCount: 0, totalTokens: 0 },
    messages: [{ role: 'user', content: 'hi' }],
    state: { files: ['a.ts'] },
  }
  await manager.save(session)
  const longer = { ...session, messages: [...session.messages, { role: 'assistant', content: FAR }] }
  await manager.save(longer)
  await manager.save({ ...longer, state: null })

  const copy = await manager.fork('s')

  expect((await manager.resume(copy.id)).state).toBeNull()
})
