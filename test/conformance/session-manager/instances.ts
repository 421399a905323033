/** Several instances on one folder. */
import assert from 'node:assert/strict'
import type { Json, SessionManager } from '../../../src/contracts/session-manager/index.js'
import { HOUR, SECOND } from '../clock.js'
import { rejectsWithCode } from '../expect.js'
import { WITH_AN_ID } from './keys.js'
import { a, a2, idsInList, type ManagerCase, messagesOf, metadataOf, session, three, u, u2 } from './scene.js'

/** What `writer` does, `reader` shows at once. */
async function shows(reader: SessionManager, writer: SessionManager, id: string): Promise<void> {
  await rejectsWithCode(reader.resume(id), 'ERR_SESSION_NOT_FOUND')
  const same = async () => {
    assert.deepEqual(await reader.resume(id), await writer.resume(id))
    assert.deepEqual(await reader.list(), await writer.list())
  }
  await writer.save(three({}, id))
  assert.deepEqual(await messagesOf(reader, id), [u, a, u])
  await same()
  await writer.save(three({ messages: [u, a2], state: 'other' }, id))
  assert.deepEqual(await messagesOf(reader, id), [u, a2])
  await same()
  await writer.tag(id, ['new'])
  await writer.rename(id, 'new')
  const { tags, name } = await metadataOf(reader, id)
  assert.deepEqual([tags, name], [['x', 'new'], 'new'])
  await same()
  await writer.rewind(id, 1)
  assert.deepEqual(await messagesOf(reader, id), [u])
  const fork = await writer.fork(id)
  assert.deepEqual(await metadataOf(reader, fork.id), fork)
  await same()
  await writer.delete(id)
  assert.deepEqual(await idsInList(reader), [fork.id])
  await reader.delete(fork.id)
  assert.deepEqual(await writer.list(), [])
}

export const instanceCases: ManagerCase[] = [
  {
    name: 'what one instance does, the other shows at once',
    async run({ manager, another }) {
      const other = await another()
      await shows(other.manager, manager, 'a')
      await shows(manager, other.manager, 'b')
      await shows(other.manager, manager, 'x/y')
    },
  },
  {
    name: 'tags that two instances add at the same time are both kept',
    async run({ manager, another }) {
      const other = await another()
      await manager.save(three({ tags: [] }))
      const numbers = Array.from({ length: 20 }, (_, i) => i)
      await Promise.all(
        numbers.flatMap((n) => [manager.tag('s', [`ours ${n}`]), other.manager.tag('s', [`theirs ${n}`, 'both'])]),
      )
      const { tags } = await metadataOf(manager, 's')
      assert.equal(tags.length, 41)
      assert.equal(new Set(tags).size, 41)
      for (const who of ['ours', 'theirs']) {
        assert.deepEqual(
          tags.filter((tag) => tag.startsWith(who)),
          numbers.map((n) => `${who} ${n}`),
        )
      }
      assert.deepEqual(await metadataOf(other.manager, 's'), await metadataOf(manager, 's'))
    },
  },
  {
    name: 'of two saves at the same time one is the session, whole',
    async run({ manager, another }) {
      const other = await another()
      for (let round = 0; round < 10; round++) {
        const ours = three({ messages: [u, `ours ${round}`, a], name: 'ours', state: 'ours', tags: ['ours'] })
        const theirs = three({
          messages: [u, u2, `theirs ${round}`],
          name: 'theirs',
          state: 'theirs',
          tags: ['theirs'],
        })
        await Promise.all([manager.save(ours), other.manager.save(theirs)])
        const resumed = await manager.resume('s')
        const winner = resumed.metadata.name === 'ours' ? ours : theirs
        assert.deepEqual(resumed.messages, winner.messages)
        assert.deepEqual([resumed.state, resumed.metadata.tags], [winner.state, winner.metadata.tags])
      }
    },
  },
  {
    name: 'of two creators at the same time one is the session, whole',
    async run({ manager, another }) {
      const other = await another()
      for (const id of ['a', 'b', 'c/d']) {
        const ours = session(id, { messages: [1, 2, 3], state: 'ours', name: 'ours' })
        const theirs = session(id, { messages: [4, 5], state: 'theirs', name: 'theirs' })
        await Promise.all([manager.save(ours), other.manager.save(theirs)])
        const { messages, state } = await manager.resume(id)
        assert.deepEqual(messages, state === 'ours' ? ours.messages : theirs.messages)
      }
      assert.deepEqual((await idsInList(manager)).sort(), ['a', 'b', 'c/d'])
    },
  },
  {
    name: 'a save decides on what the log holds then',
    async run({ manager, another }) {
      const other = await another()
      await manager.save(three())
      await other.backend.append('s', u2)
      await other.manager.tag('s', ['theirs'])
      await manager.save(three({ messages: [u, a, u, a2] }))
      assert.deepEqual(await messagesOf(other.manager, 's'), [u, a, u, a2])
      assert.deepEqual((await metadataOf(other.manager, 's')).tags, ['x'])
      await other.manager.rewind('s', 1)
      await manager.save(three({ messages: [u, a, u, a2] }))
      assert.deepEqual(await messagesOf(other.manager, 's'), [u, a, u, a2])
    },
  },
  {
    name: 'appends during a save are before it or behind it, never lost in the middle',
    async run({ manager, another }) {
      const other = await another()
      await manager.save(session('s', { messages: [u] }))
      const texts = Array.from({ length: 20 }, (_, i) => ({ role: 'user', content: `added ${i}` }))
      const given: Json[] = [u, a]
      await Promise.all([
        ...texts.map((text) => other.backend.append('s', text)),
        manager.save(session('s', { messages: given })),
      ])
      const messages = await messagesOf(manager, 's')
      assert.deepEqual(messages.slice(0, 2), given)
      const kept = messages.slice(2)
      assert.deepEqual(kept, texts.slice(texts.length - kept.length))
    },
  },
  {
    name: 'no concurrent change is half in a fork',
    async run({ manager, another }) {
      const other = await another()
      const one = three({ messages: [u, 1, 1, 1], name: 'one', state: 1, tags: ['one'] })
      const two = three({ messages: [u, 2, 2, 2, 2, 2], name: 'two', state: 2, tags: ['two'] })
      await manager.save(one)
      for (let round = 0; round < 8; round++) {
        const [fork] = await Promise.all([
          manager.fork('s', 'f'),
          other.manager.save(two).then(() => other.manager.save(one)),
          other.backend.compact('s'),
        ])
        const { messages, state, metadata } = await manager.resume(fork.id)
        const whole = state === 1 ? one : two
        assert.deepEqual(messages, whole.messages)
        assert.deepEqual(metadata.tags, whole.metadata.tags)
        await manager.delete(fork.id)
      }
    },
  },
  {
    name: 'two rewinds at the same time end at the shorter one',
    async run({ manager, another }) {
      const other = await another()
      await manager.save(three({ messages: [u, a, u2, a2] }))
      const [ours, theirs] = await Promise.all([manager.rewind('s', 3), other.manager.rewind('s', 1)])
      assert.deepEqual(theirs.messages, [u])
      assert(ours.messages.length === 3 || ours.messages.length === 1)
      assert.deepEqual(await messagesOf(manager, 's'), [u])
    },
  },
  {
    name: 'a session that another instance deleted is not there, and is not brought back',
    async run({ manager, another, clock }) {
      const other = await another()
      for (const call of Object.values(WITH_AN_ID)) {
        await manager.save(three())
        await other.manager.delete('s')
        await rejectsWithCode(call(manager, 's'), 'ERR_SESSION_NOT_FOUND', { id: 's' })
        assert.deepEqual(await manager.list(), [])
      }
      await manager.save(three())
      await other.manager.delete('s')
      clock.move(HOUR)
      await manager.save(session('s', { messages: [a] }))
      assert.deepEqual(await messagesOf(other.manager, 's'), [a])
      assert.deepEqual((await metadataOf(other.manager, 's')).tags, [])
    },
  },
  {
    name: 'an instance appends behind what another one wrote',
    async run({ manager, another, clock }) {
      const other = await another()
      await manager.save(three())
      clock.move(SECOND)
      await other.manager.save(three({ messages: [u, a, u, a2] }))
      await manager.rewind('s', 3)
      await other.manager.rename('s', 'theirs')
      await manager.tag('s', ['ours'])
      const { messages, metadata } = await other.manager.resume('s')
      assert.deepEqual(messages, [u, a, u])
      assert.deepEqual([metadata.name, metadata.tags, metadata.turnCount], ['theirs', ['x', 'ours'], 3])
    },
  },
]
