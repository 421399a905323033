/** tag and rename. */
import assert from 'node:assert/strict'
import { HOUR, SECOND } from '../clock.js'
import {
  a,
  addedLines,
  kindOf,
  type ManagerCase,
  metadataOf,
  seconds,
  session,
  stored,
  three,
  u,
  wrong,
} from './scene.js'

export const labelCases: ManagerCase[] = [
  {
    name: 'case 26: tags are added in the order given, each once',
    async run({ manager, clock, reopen }) {
      await manager.save(session('s', { tags: ['b'] }))
      const tags = async () => (await metadataOf(manager, 's')).tags
      clock.move(SECOND)
      assert.equal(await manager.tag('s', ['a', 'a', 'b']), undefined)
      assert.deepEqual(await tags(), ['b', 'a'])
      const before = await manager.resume('s')
      assert.equal(before.metadata.updatedAt, seconds(clock))
      clock.move(HOUR)
      await manager.tag('s', [])
      await manager.tag('s', ['a', 'b', 'a'])
      assert.deepEqual(await manager.resume('s'), before)
      await manager.tag('s', ['A', ' a', ''])
      assert.deepEqual(await tags(), ['b', 'a', 'A', ' a', ''])
      await reopen()
      assert.deepEqual(await tags(), ['b', 'a', 'A', ' a', ''])
      assert.equal((await metadataOf(manager, 's')).updatedAt, seconds(clock))
    },
  },
  {
    name: 'case 26: tags that are there already write nothing',
    only: 'fresh',
    async run({ manager, log, clock }) {
      await manager.save(session('s', { tags: ['b', 'a'] }))
      clock.move(SECOND)
      const before = log('s').bytes()
      await manager.tag('s', [])
      await manager.tag('s', ['a', 'b'])
      assert.deepEqual(log('s').bytes(), before)
      const added = await addedLines(log('s'), () => manager.tag('s', ['c']))
      assert.deepEqual(added.map(kindOf), ['meta'])
      assert.deepEqual(added[0]?.set, { tags: ['b', 'a', 'c'] })
    },
  },
  {
    name: 'case 27: what are no tags',
    async run({ manager }) {
      await manager.save(three())
      const before = await manager.resume('s')
      for (const tags of [
        'a',
        ['a', 5],
        [null],
        [undefined],
        null,
        undefined,
        { 0: 'a' },
        new Set(['a']),
        [['a']],
        Array(2),
      ]) {
        await assert.rejects(manager.tag('s', wrong(tags)), TypeError)
      }
      assert.deepEqual(await manager.resume('s'), before)
    },
  },
  {
    name: 'case 28: a name is exactly what was given',
    async run({ manager, clock, reopen }) {
      await manager.save(three())
      const name = async () => (await metadataOf(manager, 's')).name
      clock.move(SECOND)
      assert.equal(await manager.rename('s', 'My Session'), undefined)
      assert.equal(await name(), 'My Session')
      const before = await manager.resume('s')
      assert.equal(before.metadata.updatedAt, seconds(clock))
      clock.move(HOUR)
      await manager.rename('s', 'My Session')
      assert.deepEqual(await manager.resume('s'), before)
      await manager.rename('s', '')
      assert.equal(await name(), '')
      for (const odd of [null, undefined, 5, {}, ['x']]) {
        await assert.rejects(manager.rename('s', wrong(odd)), TypeError)
      }
      assert.equal(await name(), '')
      for (const odd of [' ', ' My Session ', 'my session', 'line\nfeed', '\ud800', '__proto__', 'x'.repeat(10_000)]) {
        await manager.rename('s', odd)
        assert.equal(await name(), odd)
      }
      await reopen()
      assert.equal(await name(), 'x'.repeat(10_000))
    },
  },
  {
    name: 'case 28: the name that it has writes nothing',
    only: 'fresh',
    async run({ manager, log, clock }) {
      await manager.save(three())
      clock.move(SECOND)
      const before = log('s').bytes()
      await manager.rename('s', 'n')
      assert.deepEqual(log('s').bytes(), before)
      const added = await addedLines(log('s'), () => manager.rename('s', ''))
      assert.deepEqual(added.map(kindOf), ['meta'])
      assert.deepEqual(added[0]?.set, { name: '' })
      const again = log('s').bytes()
      await manager.rename('s', '')
      assert.deepEqual(log('s').bytes(), again)
    },
  },
  {
    name: 'an empty name is another one than none',
    async run({ manager, clock }) {
      await manager.save(three({ name: null }))
      clock.move(SECOND)
      await manager.rename('s', '')
      assert.equal((await metadataOf(manager, 's')).name, '')
      assert.equal((await manager.list())[0]?.name, '')
      assert.equal((await metadataOf(manager, 's')).updatedAt, seconds(clock))
    },
  },
  {
    name: 'tag and rename change nothing else',
    async run({ manager, clock }) {
      await manager.save(three())
      const { createdAt } = await metadataOf(manager, 's')
      clock.move(SECOND)
      await manager.tag('s', ['y'])
      await manager.rename('s', 'm')
      assert.deepEqual(await manager.resume('s'), stored(three({ tags: ['x', 'y'], name: 'm' }), clock, { createdAt }))
    },
  },
  {
    name: 'a session that was never saved can be tagged and renamed',
    async run({ manager, backend, reopen }) {
      await backend.append('b', u)
      await manager.tag('b', ['y', 'x'])
      await manager.rename('b', 'named')
      await reopen()
      const { tags, name, turnCount } = await metadataOf(manager, 'b')
      assert.deepEqual({ tags, name, turnCount }, { tags: ['y', 'x'], name: 'named', turnCount: 1 })
    },
  },
  {
    name: 'tags are read at the call',
    only: 'fresh',
    async run({ manager }) {
      await manager.save(three())
      const tags = ['y']
      const tagged = manager.tag('s', tags)
      tags[0] = 'later'
      tags.push('later still')
      await tagged
      assert.deepEqual((await metadataOf(manager, 's')).tags, ['x', 'y'])
    },
  },
  {
    name: 'tags at once are all kept',
    async run({ manager }) {
      await manager.save(three())
      const tags = Array.from({ length: 30 }, (_, i) => `tag ${i}`)
      await Promise.all(tags.map((tag) => manager.tag('s', [tag, 'x'])))
      assert.deepEqual((await metadataOf(manager, 's')).tags, ['x', ...tags])
    },
  },
  {
    name: 'saving removes tags, tagging adds them again at the end',
    async run({ manager }) {
      await manager.save(three({ tags: ['x', 'y', 'z'] }))
      await manager.save(three({ tags: ['y', 'x'], messages: [u, a] }))
      await manager.tag('s', ['z', 'x'])
      assert.deepEqual((await metadataOf(manager, 's')).tags, ['y', 'x', 'z'])
    },
  },
]
