/** A crash in the middle of a write: the log ends after any byte of what the call appended. */
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Json, JsonlSessionManager, type Session } from '../../../src/contracts/session-manager/index.js'
import { openStore } from '../../../src/index.js'
import { open, tempFolder } from '../../helpers/store.js'

const m = (content: Json) => ({ role: 'user', content })

function session(messages: Json[], labels: Partial<Session['metadata']> = {}, state: Json = null): Session {
  const empty = { id: 's', name: null, tags: [], agentName: '', turnCount: 0, totalTokens: 0 }
  return { metadata: { ...empty, createdAt: 0, updatedAt: 0, ...labels }, messages, state }
}

const BEFORE = session([m('1'), m('2 é'), 3], { name: 'old', tags: ['a'], turnCount: 3, totalTokens: 10 }, { k: 'old' })
/** What is saved over it. */
const NEXT: ReadonlyArray<[what: string, next: Session]> = [
  [
    'that adds',
    session([m('1'), m('2 é'), 3, m('4 😀'), null], { name: 'old', tags: ['a'], turnCount: 5 }, { k: 'old' }),
  ],
  ['that changes', session([m('1'), m('x'), m('y')], { name: 'new', tags: ['a', 'b'], turnCount: 2 }, { k: 'new' })],
  ['that removes', session([m('1')], { name: null, turnCount: 1, totalTokens: 11 }, null)],
  ['that replaces all', session([m('9'), 8], { agentName: 'other' }, ['state'])],
  ['that empties', session([], { name: 'old', tags: ['a'], turnCount: 3, totalTokens: 10 }, { k: 'old' })],
]

interface Crash {
  folder: string
  before: Buffer
  after: Buffer
  /** What stood beside the log: nothing, the sidecar of before, that of after. */
  sidecars: Array<Buffer | undefined>
}

/** Does `change` to a session that was saved as BEFORE. */
async function crashOf(change: (manager: JsonlSessionManager) => Promise<unknown>): Promise<Crash> {
  const folder = tempFolder()
  const log = path.join(folder, 's.jsonl')
  const sidecar = path.join(folder, 's.meta.json')
  const step = async (work: (manager: JsonlSessionManager) => Promise<unknown>) => {
    const store = await open(folder)
    await work(new JsonlSessionManager(store))
    await store.close()
    return { log: fs.readFileSync(log), sidecar: fs.readFileSync(sidecar) }
  }
  const before = await step((manager) => manager.save(BEFORE))
  const after = await step(change)
  expect(after.log.subarray(0, before.log.length).equals(before.log)).toBe(true)
  return { folder, before: before.log, after: after.log, sidecars: [undefined, before.sidecar, after.sidecar] }
}

interface Left {
  manager: JsonlSessionManager
  /** Nothing was cut off. */
  whole: boolean
  /** A write is tried too: at some of the places only, because it mends the tail, which takes its time. */
  writes: boolean
}

/** Opens the folder after every possible crash. */
async function afterEach(
  { folder, before, after, sidecars }: Crash,
  look: (left: Left) => Promise<void>,
): Promise<void> {
  for (const sidecar of sidecars) {
    for (let end = before.length; end <= after.length; end++) {
      // beside a sidecar some places will do
      if (sidecar !== undefined && end % 5 !== 0 && end < after.length - 2) continue
      for (const name of fs.readdirSync(folder)) fs.rmSync(path.join(folder, name), { recursive: true })
      fs.writeFileSync(path.join(folder, 's.jsonl'), after.subarray(0, end))
      if (sidecar !== undefined) fs.writeFileSync(path.join(folder, 's.meta.json'), sidecar)
      const store = await openStore(folder)
      const whole = end === after.length
      const writes = whole || end === before.length || after[end - 1] === 0x0a || end % 29 === 0
      await look({ manager: new JsonlSessionManager(store), whole, writes })
      await store.close()
    }
  }
}

function labelsOf({ metadata, state }: Session): unknown {
  const { createdAt: _, updatedAt: __, forkedFrom: ___, ...labels } = metadata
  return { ...labels, state }
}

/** The messages of all states that a save may leave. */
function historiesOf(former: Json[], next: Json[]): Json[][] {
  const alike = next.findIndex((message, i) => JSON.stringify(message) !== JSON.stringify(former[i]))
  const added = alike === -1 ? [] : next.slice(alike)
  return [...Array.from({ length: added.length + 1 }, (_, i) => [...former, ...added.slice(0, i)]), next]
}

describe('after a crash', () => {
  test.each(NEXT)('in a save %s, one of the two histories is whole', async (_, next) => {
    const crash = await crashOf((manager) => manager.save(next))
    const histories = historiesOf(BEFORE.messages, next.messages)
    await afterEach(crash, async ({ manager, whole, writes }) => {
      const left = await manager.resume('s')
      expect(histories).toContainEqual(left.messages)
      // labels are one line, the last one: the new labels are there with the new messages only
      const isOld = JSON.stringify(labelsOf(left)) === JSON.stringify(labelsOf(BEFORE))
      if (!isOld || whole) {
        expect(left.messages).toEqual(next.messages)
        expect(labelsOf(left)).toEqual(labelsOf(next))
      }
      expect(await manager.list()).toEqual([left.metadata])
      if (!writes) return
      await manager.save(next)
      const again = await manager.resume('s')
      expect(again.messages).toEqual(next.messages)
      expect(labelsOf(again)).toEqual(labelsOf(next))
      expect(again.metadata.createdAt).toBe(left.metadata.createdAt)
    })
  })

  test.each([0, 1, 2])('in a rewind to %i, the session is as before or as after', async (to) => {
    const crash = await crashOf((manager) => manager.rewind('s', to))
    const kept = BEFORE.messages.slice(0, to)
    await afterEach(crash, async ({ manager, whole, writes }) => {
      const left = await manager.resume('s')
      const { turnCount } = left.metadata
      const isBefore = left.messages.length === BEFORE.messages.length
      expect(left.messages).toEqual(isBefore ? BEFORE.messages : kept)
      if (whole) expect(isBefore).toBe(false)
      // at worst with the former turnCount
      expect(isBefore ? [3] : whole ? [to] : [3, to]).toContain(turnCount)
      expect(labelsOf({ ...left, metadata: { ...left.metadata, turnCount: 3 } })).toEqual(labelsOf(BEFORE))
      if (!writes) return
      const again = await manager.rewind('s', to)
      expect(again.messages).toEqual(kept)
      if (isBefore) expect(again.metadata.turnCount).toBe(to)
    })
  })

  test.each<[string, (manager: JsonlSessionManager) => Promise<void>, Partial<Session['metadata']>]>([
    ['tag', (manager) => manager.tag('s', ['b', 'é']), { tags: ['a', 'b', 'é'] }],
    ['rename', (manager) => manager.rename('s', 'new é'), { name: 'new é' }],
  ])('in a %s, the label is the old one or the new one', async (_, change, labels) => {
    const next: Session = { ...BEFORE, metadata: { ...BEFORE.metadata, ...labels } }
    await afterEach(await crashOf(change), async ({ manager, whole, writes }) => {
      const left = await manager.resume('s')
      expect(left.messages).toEqual(BEFORE.messages)
      expect([labelsOf(next), ...(whole ? [] : [labelsOf(BEFORE)])]).toContainEqual(labelsOf(left))
      if (!writes) return
      await change(manager)
      expect(labelsOf(await manager.resume('s'))).toEqual(labelsOf(next))
    })
  })

  test('before a new session is in its place, there is none, and what was begun is swept away', async () => {
    const folder = tempFolder()
    const store = await open(folder)
    await new JsonlSessionManager(store).save(BEFORE)
    await store.close()
    const whole = fs.readFileSync(path.join(folder, 's.jsonl'))
    for (const end of [0, 1, 50, whole.length - 1, whole.length]) {
      for (const name of fs.readdirSync(folder)) fs.rmSync(path.join(folder, name), { recursive: true })
      fs.writeFileSync(path.join(folder, '.s.0123456789abcdef.tmp'), whole.subarray(0, end))
      const next = await open(folder)
      const manager = new JsonlSessionManager(next)
      await next.recover()
      expect(await manager.list()).toEqual([])
      await expect(manager.resume('s')).rejects.toMatchObject({ code: 'ERR_SESSION_NOT_FOUND' })
      expect(fs.readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
      await manager.save(session([m('anew')]))
      expect((await manager.resume('s')).messages).toEqual([m('anew')])
      await next.close()
    }
  })

  test('behind the log of a deleted session its sidecar is no session, and is swept away; its blobs may come back with it', async () => {
    const folder = tempFolder()
    const store = await open(folder)
    const manager = new JsonlSessionManager(store)
    await manager.save(BEFORE)
    await store.close()
    fs.rmSync(path.join(folder, 's.jsonl'))
    fs.mkdirSync(path.join(folder, 's.blobs'))
    fs.writeFileSync(path.join(folder, 's.blobs', 'b'.repeat(64)), 'blob')
    const next = await open(folder)
    const later = new JsonlSessionManager(next)
    await next.recover()
    expect(await later.list()).toEqual([])
    expect(fs.readdirSync(folder).filter((name) => name.startsWith('s.'))).toEqual(['s.blobs'])
    await later.save(session([]))
    const { messages, state, metadata } = await later.resume('s')
    expect({ messages, state, name: metadata.name, tags: metadata.tags }).toEqual({
      messages: [],
      state: null,
      name: null,
      tags: [],
    })
  })
})
