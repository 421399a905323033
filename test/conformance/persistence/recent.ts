/** The newest texts: of users in all sessions, of user and assistant in one. */
import assert from 'node:assert/strict'
import type { NewMessage } from '../../../src/contracts/persistence/index.js'
import { HOUR } from '../clock.js'
import { insert } from './notation.js'
import { create, laterId, line, type PersistenceCase, raw } from './scene.js'

export const recentCases: PersistenceCase[] = [
  {
    name: 'case 30: the last assistant text',
    async run({ persistence }) {
      const first = await create(persistence)
      assert.equal(await persistence.lastAssistantMessage(first), '')
      await insert(persistence, first, 'u one')
      assert.equal(await persistence.lastAssistantMessage(first), '')
      await insert(persistence, first, 'a answer 1', 'u two', 'a answer 2')
      assert.equal(await persistence.lastAssistantMessage(first), 'answer 2')
      const second = await create(persistence)
      await insert(persistence, second, 'u q', 'A[t1]', 'T t1', 'a Done!')
      assert.equal(await persistence.lastAssistantMessage(second), 'Done!')
      assert.equal(await persistence.compactSession(second, 'the summary', 0), 4)
      assert.equal(await persistence.lastAssistantMessage(second), 'Done!')
    },
  },
  {
    name: 'case 31: the newest user texts of all sessions',
    async run({ persistence, weather, clock }) {
      for (const text of ['first', 'second', 'third']) {
        await insert(persistence, await create(persistence), `u ${text}`)
        // ids rise within one instance
        if (weather === 'reopened') clock.move(1)
      }
      assert.deepEqual(await persistence.recentUserMessages(2), ['third', 'second'])
      assert.deepEqual(await persistence.recentUserMessages(0), [])
      await assert.rejects(persistence.recentUserMessages(-1), RangeError)
    },
  },
  {
    name: 'case 32: equal texts count each, blank ones do not',
    async run({ persistence }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u a', 'u a', 'u', { role: 'user', content: '' }, { role: 'user', content: '  ' })
      assert.deepEqual(await persistence.recentUserMessages(10), ['a', 'a'])
    },
  },
  {
    name: 'recent: by time, whichever session it is in',
    async run({ persistence, clock }) {
      const older = await persistence.createSession('main', '/p')
      const newer = await persistence.createSession('main', '/q')
      for (const [id, text] of [
        [newer, 'one'],
        [older, 'two'],
        [newer, 'three'],
        [older, 'four'],
      ] as const) {
        clock.move(HOUR)
        await insert(persistence, id, `u ${text}`, 'a answer', 'system note')
      }
      assert.deepEqual(await persistence.recentUserMessages(10), ['four', 'three', 'two', 'one'])
      assert.deepEqual(await persistence.recentUserMessages(3), ['four', 'three', 'two'])
      assert.deepEqual(await persistence.recentUserMessages(Number.MAX_SAFE_INTEGER), ['four', 'three', 'two', 'one'])
    },
  },
  {
    name: 'recent: of one moment the greater id is newer',
    only: 'fresh',
    async run({ persistence }) {
      const sessions = [await create(persistence), await create(persistence), await create(persistence)]
      const texts: string[] = []
      for (let n = 0; n < 9; n++) {
        await insert(persistence, sessions[(n * 2) % 3]!, `u text ${n}`)
        texts.unshift(`text ${n}`)
      }
      assert.deepEqual(await persistence.recentUserMessages(9), texts)
      assert.deepEqual(await persistence.recentUserMessages(4), texts.slice(0, 4))
    },
  },
  {
    name: 'recent: time goes before the order of lines and of sessions',
    async run({ persistence, log, clock }) {
      const t1 = clock.date
      const t2 = clock.move(HOUR)
      const t3 = clock.move(HOUR)
      const t4 = clock.move(HOUR)
      log('a').write(raw.header('a', t1), line('r1', t3, 'u third'), line('r2', t1, 'u first'))
      log('b').write(raw.header('b', t1), line('r3', t2, 'u second'), line('r4', t4, 'a no user'))
      assert.deepEqual(await persistence.recentUserMessages(10), ['third', 'second', 'first'])
      assert.deepEqual(await persistence.recentUserMessages(1), ['third'])
      assert.deepEqual(await persistence.recentUserMessages(2), ['third', 'second'])
    },
  },
  {
    name: 'recent: times that fall while ids rise',
    async run({ persistence, log, clock }) {
      const id = await create(persistence)
      const early = clock.move(HOUR)
      const late = clock.move(HOUR)
      log(id).add(
        line(laterId(1), late, 'u late'),
        line(laterId(2), early, 'u early'),
        line(laterId(3), early, 'u earliest'),
      )
      assert.deepEqual(await persistence.recentUserMessages(3), ['late', 'earliest', 'early'])
      assert.deepEqual(await persistence.recentUserMessages(1), ['late'])
      assert.deepEqual(await persistence.recentUserMessages(2), ['late', 'earliest'])
    },
  },
  {
    name: 'recent: a session whose newest messages are no user texts does not hide older ones',
    async run({ persistence, clock }) {
      const quiet = await create(persistence)
      await insert(persistence, quiet, 'u old')
      clock.move(HOUR)
      const busy = await create(persistence)
      await insert(persistence, busy, 'a one', 'A[x]', 'T x', 'u', 'a two')
      assert.deepEqual(await persistence.recentUserMessages(1), ['old'])
    },
  },
  {
    name: 'recent: archived texts count; purged, removed and deleted ones do not',
    async run({ persistence, log, clock }) {
      const first = await create(persistence)
      const second = await create(persistence)
      const third = await create(persistence)
      await insert(persistence, first, 'u one', 'u two')
      clock.move(HOUR)
      const [three] = await insert(persistence, second, 'u three', 'u four')
      clock.move(HOUR)
      await insert(persistence, third, 'u five')
      await persistence.compactSession(first, 'u summary', 1)
      assert.deepEqual(await persistence.recentUserMessages(10), ['five', 'four', 'three', 'two', 'one'])
      await persistence.purgeCompacted(0)
      assert.deepEqual(await persistence.recentUserMessages(10), ['five', 'four', 'three', 'two'])
      log(second).add(raw.remove(laterId(1), clock.date, [three!]))
      assert.deepEqual(await persistence.recentUserMessages(10), ['five', 'four', 'two'])
      await persistence.deleteSession(third)
      assert.deepEqual(await persistence.recentUserMessages(10), ['four', 'two'])
    },
  },
  {
    name: 'recent: texts are not cut, and blanks around them stay',
    async run({ persistence }) {
      const id = await create(persistence)
      const long = ` ${'long '.repeat(20_000)}\n`
      await insert(persistence, id, { role: 'user', content: long }, { role: 'user', content: '\n x ' })
      assert.deepEqual(await persistence.recentUserMessages(2), ['\n x ', long])
      assert.equal(await persistence.lastUserMessage(id), '\n x ')
    },
  },
  {
    name: 'last: blank and null texts are passed over, calls do not matter',
    async run({ persistence }) {
      const id = await create(persistence)
      const blanks: NewMessage[] = [
        { role: 'user', content: ' \n' },
        { role: 'user' },
        { role: 'assistant', content: '' },
        { role: 'assistant' },
      ]
      await insert(persistence, id, 'u question', 'A[x] with text', ...blanks, 'T x', 'system note')
      assert.equal(await persistence.lastAssistantMessage(id), 'with text')
      assert.equal(await persistence.lastUserMessage(id), 'question')
      await insert(persistence, id, 'A[y] never answered', 'u closing')
      assert.equal(await persistence.lastAssistantMessage(id), 'never answered')
      assert.equal(await persistence.lastUserMessage(id), 'closing')
    },
  },
  {
    name: 'last: archived texts count, a summary is none, a removed one is gone',
    async run({ persistence, log, clock }) {
      const id = await create(persistence)
      const [, answer] = await insert(persistence, id, 'u one', 'a two', 'u three', 'a four')
      await persistence.compactSession(id, 'the summary', 0)
      assert.equal(await persistence.lastUserMessage(id), 'three')
      assert.equal(await persistence.lastAssistantMessage(id), 'four')
      await persistence.purgeCompacted(0)
      assert.equal(await persistence.lastUserMessage(id), '')
      assert.equal(await persistence.lastAssistantMessage(id), '')
      const [five] = await insert(persistence, id, 'a five', 'a six')
      log(id).add(raw.remove(laterId(1), clock.date, [answer!, five!]))
      assert.equal(await persistence.lastAssistantMessage(id), 'six')
    },
  },
  {
    name: 'last: far behind many other messages',
    async run({ persistence, log, clock }) {
      const id = await create(persistence)
      await insert(persistence, id, 'u far away', 'a far off')
      log(id).add(...Array.from({ length: 3000 }, (_, i) => line(`r${i}`, clock.date, `T x ${'y'.repeat(50)}`)))
      assert.equal(await persistence.lastUserMessage(id), 'far away')
      assert.equal(await persistence.lastAssistantMessage(id), 'far off')
      assert.deepEqual(await persistence.recentUserMessages(1), ['far away'])
    },
  },
]
