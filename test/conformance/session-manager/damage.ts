/** Damaged lines, torn tails and lost sidecars: each costs only itself. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { HOUR } from '../clock.js'
import { promptly, rejectsWithCode } from '../expect.js'
import { makePipe } from '../folder.js'
import { raw } from '../session-backend/scene.js'
import { WITH_AN_ID } from './keys.js'
import {
  a,
  a2,
  idsInList,
  type ManagerCase,
  type ManagerScene,
  messagesOf,
  metadataOf,
  session,
  three,
  u,
  u2,
} from './scene.js'

const HALF = '{"id":"torn","role":"user","content":"half a li'

/** Sessions of every sort. */
async function fill({ manager, backend, log, clock }: ManagerScene): Promise<void> {
  await manager.save(three({ createdAt: 1_600_000_000, state: { big: 'x'.repeat(70_000) } }))
  await manager.save(three({ name: '', tags: ['', 'A'], messages: [1, null, { role: 'user', id: 5 }] }, 'odd/id'))
  clock.move(1)
  await manager.save(three({ name: null }, 'tie-b'))
  await manager.save(session('tie-a'))
  await manager.fork('s', 'f')
  await manager.rewind('s', 1)
  clock.move(1)
  await backend.append('plain', u)
  await backend.removeLast('plain')
  await manager.tag('tie-b', ['new'])
  log('mixed').write(
    raw.header('mixed', clock.move(HOUR)),
    raw.message('r1', clock.date, 'one'),
    'damage',
    raw.message('r1', clock.date, 'one'),
    raw.meta('l1', clock.date, { name: 'mixed', agent: 'coder', turnCount: 9 }),
    raw.compaction('c1', clock.move(1), 'summary', 'r1'),
    raw.remove('x1', clock.move(1), ['r9']),
    { ...raw.message('r2', clock.date, 'two'), usage: { promptTokens: 3, completionTokens: 4 } },
  )
  log('mixed').addBytes(HALF)
}

async function answers({ manager }: ManagerScene): Promise<unknown[]> {
  const list = await manager.list()
  assert.equal(list.length, 7)
  const sessions: unknown[] = []
  for (const { id } of list) sessions.push(await manager.resume(id))
  return [list, ...sessions]
}

export const damageCases: ManagerCase[] = [
  {
    name: 'case 36: all answers are the same without sidecars',
    async run(scene) {
      await fill(scene)
      const before = await answers(scene)
      let removed = 0
      await scene.reopen(() => {
        for (const name of fs.readdirSync(scene.dir).filter((file) => file.endsWith('.meta.json'))) {
          fs.rmSync(path.join(scene.dir, name))
          removed++
        }
      })
      assert(removed > 0, 'there were sidecars')
      assert.deepEqual(await answers(scene), before)
      await scene.reopen()
      assert.deepEqual(await answers(scene), before)
    },
  },
  {
    name: 'case 36: all answers are the same with damaged sidecars',
    async run(scene) {
      await fill(scene)
      const before = await answers(scene)
      await scene.reopen(() => {
        const names = fs.readdirSync(scene.dir).filter((file) => file.endsWith('.meta.json'))
        for (const [i, name] of names.entries()) {
          const text = fs.readFileSync(path.join(scene.dir, name), 'utf8')
          fs.writeFileSync(path.join(scene.dir, name), i % 2 === 0 ? '' : text.slice(0, text.length / 2))
        }
      })
      assert.deepEqual(await answers(scene), before)
    },
  },
  {
    name: 'a damaged line costs only itself',
    async run({ manager, log, clock, filesHolding }) {
      await manager.save(three())
      log('s').add(
        'this is not JSON',
        Buffer.from('{"role":"user","content":"caf\xe9"}', 'latin1'),
        '[1]',
        '',
        '{"a":1}',
      )
      log('s').add(raw.message('r9', clock.date, 'behind'))
      const behind = { role: 'user', content: 'behind' }
      assert.deepEqual(await messagesOf(manager, 's'), [u, a, u, behind])
      await manager.save(three({ messages: [u, a, u, behind, a2] }))
      assert.deepEqual(await messagesOf(manager, 's'), [u, a, u, behind, a2])
      assert.deepEqual((await manager.rewind('s', 4)).messages, [u, a, u, behind])
      await manager.tag('s', ['new'])
      assert.equal((await manager.list())[0]?.turnCount, 4)
      assert.notDeepEqual(filesHolding('this is not JSON'), [])
    },
  },
  {
    name: 'a torn tail costs only itself',
    async run({ manager, log, filesHolding }) {
      await manager.save(three())
      const writes: Array<() => Promise<unknown>> = [
        () => manager.tag('s', ['new']),
        () => manager.rename('s', 'new'),
        () => manager.save(three({ messages: [u, a, u, a2], tags: ['x', 'new'], name: 'new' })),
        () => manager.rewind('s', 3),
      ]
      for (const [i, write] of writes.entries()) {
        log('s').addBytes(`${HALF} ${i}`)
        assert.deepEqual((await messagesOf(manager, 's')).slice(0, 3), [u, a, u])
        await write()
        assert.deepEqual((await messagesOf(manager, 's')).slice(0, 3), [u, a, u])
        assert.notDeepEqual(filesHolding(`half a li ${i}`), [])
      }
      const { tags, name, turnCount } = await metadataOf(manager, 's')
      assert.deepEqual({ tags, name, turnCount }, { tags: ['x', 'new'], name: 'new', turnCount: 3 })
    },
  },
  {
    name: 'a torn tail is there when the session is opened',
    async run({ manager, log, reopen }) {
      await manager.save(three())
      await reopen(() => log('s').addBytes(Buffer.concat([Buffer.from(HALF), Buffer.alloc(500)])))
      assert.deepEqual(await messagesOf(manager, 's'), [u, a, u])
      assert.deepEqual(await idsInList(manager), ['s'])
      await manager.save(three({ messages: [u, a, u, a2] }))
      assert.deepEqual(await messagesOf(manager, 's'), [u, a, u, a2])
    },
  },
  {
    name: 'a whole line that lacks its line feed counts',
    async run({ manager, log, clock }) {
      await manager.save(three())
      log('s').addBytes(JSON.stringify(raw.message('r9', clock.date, u2.content)))
      assert.deepEqual(await messagesOf(manager, 's'), [u, a, u, u2])
      await manager.save(three({ messages: [u, a, u, u2, a2] }))
      assert.deepEqual(await messagesOf(manager, 's'), [u, a, u, u2, a2])
      log('s').addBytes(JSON.stringify(raw.message('r10', clock.date, u2.content)))
      assert.deepEqual((await manager.rewind('s', 1)).messages, [u])
    },
  },
  {
    name: 'a log of garbage, or without any line, can be resumed; only the empty one can be saved over',
    async run({ manager, log }) {
      log('garbage').write('garbage', '{"', '[]')
      log('empty').write()
      for (const id of ['garbage', 'empty']) {
        const { messages, state, metadata } = await manager.resume(id)
        assert.deepEqual({ messages, state, name: metadata.name }, { messages: [], state: null, name: null })
      }
      const before = log('garbage').bytes()
      await rejectsWithCode(manager.save(three({}, 'garbage')), 'ERR_NOT_A_LOG')
      assert.deepEqual(log('garbage').bytes(), before)
      await manager.save(three({}, 'empty'))
      assert.deepEqual(await messagesOf(manager, 'empty'), [u, a, u])
      assert.deepEqual((await idsInList(manager)).sort(), ['empty', 'garbage'])
    },
  },
  {
    name: 'what is no file is an error in every verb, and lists go on',
    async run({ manager, log, dir }) {
      fs.writeFileSync(path.join(dir, 'target'), `${JSON.stringify(u)}\n`)
      fs.mkdirSync(log('folder').file)
      fs.symlinkSync(path.join(dir, 'target'), log('link').file)
      const ids = ['folder', 'link']
      if (makePipe(log('pipe').file)) ids.push('pipe')
      for (const id of ids) {
        for (const call of Object.values(WITH_AN_ID)) {
          await promptly(rejectsWithCode(call(manager, id), 'ERR_NOT_A_LOG'))
        }
        await promptly(assert.rejects(manager.save(session(id, { messages: [u] }))))
      }
      assert.deepEqual(await promptly(manager.list()), [])
      assert.equal(fs.readFileSync(path.join(dir, 'target'), 'utf8'), `${JSON.stringify(u)}\n`)
    },
  },
]
