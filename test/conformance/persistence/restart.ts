/** Closing and opening, lost sidecars, and several instances on one folder. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import type { Persistence } from '../../../src/contracts/persistence/index.js'
import { HOUR } from '../clock.js'
import { rejectsWithCode } from '../expect.js'
import { all, context, insert, message, numbered } from './notation.js'
import {
  answer,
  answers,
  create,
  DAY,
  idsOf,
  line,
  loseSidecars,
  type PersistenceCase,
  type PersistenceScene,
  raw,
  rowOf,
} from './scene.js'

/** Sessions of every sort; returns their ids. */
async function fill({ persistence, log, clock }: PersistenceScene): Promise<string[]> {
  const plain = await create(persistence)
  await insert(persistence, plain, 'u hello', 'a hi there!', { role: 'user', content: '"\n\u2028👍' })
  await persistence.setMetadata(plain, 'note', 'a note')
  clock.move(HOUR)
  const agent = await persistence.createSession('coder', '/p/')
  await insert(persistence, agent, ...numbered(6), answer('used', 100, 50), 'A[x,y]', 'T x', 'u next', 'A[z] text')
  await persistence.insertMessageWithAgent(agent, { ...answer('helped', 5, 5), agentName: 'helper' })
  await persistence.setTodo(agent, '- [ ] task')
  assert.equal(await persistence.compactSession(agent, 'first', 3), 9)
  clock.move(DAY + 1)
  const archived = await create(persistence)
  await insert(persistence, archived, answer('archived', 7, 3), 'u kept')
  await persistence.compactSession(archived, 'sum', 1)
  assert.equal(await persistence.purgeCompacted(1), 9)
  const empty = await create(persistence)
  clock.move(HOUR)
  log('foreign').write(
    raw.header('foreign', clock.date),
    raw.meta('l1', clock.date, { projectRoot: '/p' }),
    line('r1', clock.date, 'u one'),
    line('r2', clock.date, 'A[x]'),
    'damage',
    { at: clock.iso, role: 'user', content: 'no id' },
    raw.compaction('c1', clock.move(1), 'far', 'r2'),
    raw.compaction('c2', clock.date, 'gone', null),
    raw.remove('x1', clock.date, ['c2', 'r1']),
    { at: clock.iso, role: 'tool', tool_call_id: 'x', content: [1], usage: {} },
  )
  log('foreign').addBytes('{"role":"us')
  return [plain, agent, archived, empty, 'foreign']
}

/** What `writer` does, `reader` shows at once. */
async function shows(reader: Persistence, writer: Persistence): Promise<void> {
  const id = await create(writer)
  assert((await rowOf(reader, id)) !== undefined)
  await insert(writer, id, 'u one')
  assert.deepEqual(await context(reader, id), ['u one'])
  assert.equal(await reader.lastUserMessage(id), 'one')
  assert.equal((await reader.recentUserMessages(1))[0], 'one')
  await insert(writer, id, 'A[x]')
  assert.equal(await reader.hasPendingToolCalls(id), true)
  await insert(writer, id, 'T x', answer('done', 4, 5))
  assert.equal(await reader.hasPendingToolCalls(id), false)
  assert.equal(await reader.lastAssistantMessage(id), 'done')
  assert.equal((await reader.sessionTokenUsage(id)).promptTokens, 4)
  assert.equal((await reader.sessionUsageByAgent(id)).length, 1)
  assert.equal((await rowOf(reader, id))?.messageCount, 4)
  await writer.setMetadata(id, 'k', 'v')
  assert.equal(await reader.getMetadata(id, 'k'), 'v')
  assert.equal(await writer.compactSession(id, 'sum', 1), 3)
  assert.deepEqual(await context(reader, id), ['S sum', 'a done'])
  assert.equal((await reader.compactedStats()).messageCount, 3)
  assert.equal(await reader.compactSession(id, 'other', 1), 0)
  assert.equal(await writer.purgeCompacted(0), 3)
  assert.deepEqual(await all(reader, id), ['a done'])
  assert.equal((await reader.compactedStats()).messageCount, 0)
  await insert(reader, id, 'u two')
  assert.deepEqual(await context(writer, id), ['S sum', 'a done', 'u two'])
  assert.equal(await writer.deleteSession(id), true)
  assert.deepEqual(await reader.loadContext(id), [])
  assert.equal(await rowOf(reader, id), undefined)
  assert.equal(await reader.getMetadata(id, 'k'), null)
  await rejectsWithCode(reader.insertMessage(id, message('u late')), 'ERR_SESSION_NOT_FOUND')
  assert.equal(await reader.deleteSession(id), false)
}

const sidecarsIn = (dir: string) => fs.readdirSync(dir).filter((name) => name.endsWith('.meta.json'))

function overwriteSidecars(dir: string, text: string): void {
  for (const name of sidecarsIn(dir)) fs.writeFileSync(`${dir}/${name}`, text)
}

/** Ways to lose what is beside the logs. */
const LOSSES: ReadonlyArray<[what: string, lose: (dir: string) => void]> = [
  ['deleted', (dir) => assert(loseSidecars(dir) > 0)],
  ['emptied', (dir) => overwriteSidecars(dir, '')],
  ['of garbage', (dir) => overwriteSidecars(dir, '{"version":1,"summary":5,"usage":5}')],
]

export const restartCases: PersistenceCase[] = [
  {
    name: 'case 20: closed and opened again',
    async run(scene) {
      const ids = await fill(scene)
      const before = await answers(scene.persistence, ids)
      await scene.reopen()
      assert.deepEqual(await answers(scene.persistence, ids), before)
    },
  },
  ...LOSSES.map(([what, lose]): PersistenceCase => {
    return {
      name: `case 20: opened again with all sidecars ${what}`,
      async run(scene) {
        const ids = await fill(scene)
        const before = await answers(scene.persistence, ids)
        await scene.reopen(() => lose(scene.dir))
        assert.deepEqual(await answers(scene.persistence, ids), before)
        await insert(scene.persistence, ids[1]!, 'u after')
        assert.equal((await rowOf(scene.persistence, ids[1]!))?.messageCount, 4)
      },
    }
  }),
  {
    name: 'restart: sidecars older than the logs',
    async run(scene) {
      const { persistence, dir, reopen, clock, log } = scene
      const ids = await fill(scene)
      const old = new Map<string, Buffer>()
      await answers(persistence, ids)
      await reopen(() => {
        for (const name of sidecarsIn(dir)) old.set(name, fs.readFileSync(`${dir}/${name}`))
      })
      clock.move(HOUR)
      await insert(persistence, ids[0]!, 'u more', answer('more', 1, 1))
      await persistence.compactSession(ids[0]!, 'newer', 1)
      await persistence.setTodo(ids[1]!, 'newer')
      await persistence.purgeCompacted(0)
      log('foreign').add(line('r9', clock.date, 'u by hand'))
      const before = await answers(persistence, ids)
      await reopen(() => {
        for (const [name, bytes] of old) fs.writeFileSync(`${dir}/${name}`, bytes)
      })
      assert.deepEqual(await answers(persistence, ids), before)
    },
  },
  {
    name: 'restart: a read changes nothing on disk',
    only: 'fresh',
    async run(scene) {
      const ids = await fill(scene)
      const bytes = () => ids.map((id) => [scene.log(id).bytes(), scene.log(id).mtimeMs])
      const before = bytes()
      await answers(scene.persistence, ids)
      await scene.reopen()
      await answers(scene.persistence, ids)
      assert.deepEqual(bytes(), before)
    },
  },
  {
    name: 'instances: what one does the other shows at once',
    async run({ persistence, another }) {
      const other = await another()
      await shows(other, persistence)
      await shows(persistence, other)
    },
  },
  {
    name: 'instances: two insert at once, and nothing is lost or mixed',
    async run({ persistence, another }) {
      const other = await another()
      const id = await create(persistence)
      const numbers = Array.from({ length: 25 }, (_, i) => i)
      const ids = await Promise.all(
        numbers.flatMap((n) => [
          persistence.insertMessage(id, message(`u ours ${n}`)),
          other.insertMessage(id, message(`u theirs ${n}`)),
        ]),
      )
      const labels = await all(other, id)
      assert.equal(labels.length, 50)
      for (const who of ['ours', 'theirs']) {
        assert.deepEqual(
          labels.filter((label) => label.startsWith(`u ${who}`)),
          numbers.map((n) => `u ${who} ${n}`),
        )
      }
      assert.deepEqual(idsOf(await persistence.loadAllMessages(id)).sort(), ids.sort())
    },
  },
  {
    name: 'instances: sessions made at once are all there',
    async run({ persistence, another }) {
      const other = await another()
      const ids = await Promise.all([...Array(10)].flatMap(() => [create(persistence), create(other)]))
      assert.equal(new Set(ids).size, 20)
      assert.deepEqual(idsOf(await persistence.listSessions(100, '/p')).sort(), ids.sort())
    },
  },
]
