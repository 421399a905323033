/** Sessions that another process holds. */
import fs from 'node:fs'
import { expect, test } from 'vitest'
import { JsonlPersistence } from '../../../src/contracts/persistence/index.js'
import { all, insert, message, numbered } from '../../conformance/persistence/notation.js'
import { answers } from '../../conformance/persistence/scene.js'
import { RemoteStore } from '../../helpers/child.js'
import { codeOf, open, tempFolder } from '../../helpers/store.js'

/** A store that waits for 100 ms, and what another process does not give back. */
async function withHeldSession() {
  const dir = tempFolder()
  const store = await open(dir, { lockTimeout: 100, appends: 'leased' })
  const persistence = new JsonlPersistence(store)
  const ids: string[] = []
  for (let n = 0; n < 3; n++) {
    const id = await persistence.createSession('main', '/p')
    await insert(persistence, id, ...numbered(4))
    await persistence.compactSession(id, 'sum', 1)
    ids.push(id)
  }
  const held = ids[1] as string
  const other = await RemoteStore.openLeased(dir)
  await other.call('setMetadata', held, 'k', 'theirs')
  // a process that is stopped keeps what it holds
  other.kill('SIGSTOP')
  return { store, persistence, ids, held, other }
}

test('writes to it reject after the timeout, and write nothing; reads work', async () => {
  const { store, persistence, held, other } = await withHeldSession()
  const file = store.session(held).path
  const before = fs.readFileSync(file)
  const answersBefore = await answers(persistence, [held])
  const writes = [
    () => persistence.insertMessage(held, message('u late')),
    () => persistence.insertMessageWithAgent(held, message('u late')),
    () => persistence.compactSession(held, 'late', 0),
    () => persistence.setMetadata(held, 'k', 'late'),
    () => persistence.setTodo(held, 'late'),
    () => persistence.deleteSession(held),
  ]
  for (const write of writes) expect(await codeOf(write())).toBe('ERR_LOCKED')
  expect(fs.readFileSync(file)).toEqual(before)
  expect(await answers(persistence, [held])).toEqual(answersBefore)
  other.kill('SIGCONT')
  await other.call('close')
  await insert(persistence, held, 'u late')
  expect(await persistence.lastUserMessage(held)).toBe('late')
  expect(await persistence.getMetadata(held, 'k')).toBe('theirs')
})

test('a purge skips it, and reports how many messages it deleted elsewhere', async () => {
  const { persistence, ids, held, other } = await withHeldSession()
  const failure: unknown = await persistence.purgeCompacted(0).catch((error: unknown) => error)
  expect(failure).toMatchObject({ name: 'SessionError', code: 'ERR_LOCKED', details: { deleted: 6 } })
  for (const id of ids) expect(await all(persistence, id)).toEqual(id === held ? numbered(4) : ['u m4'])
  expect((await persistence.compactedStats()).messageCount).toBe(3)
  other.kill('SIGCONT')
  await other.call('close')
  expect(await persistence.purgeCompacted(0)).toBe(3)
})
