/** What the contract says about cost, counted in calls to the file system and not in time. */
import fs from 'node:fs'
import { expect, test } from 'vitest'
import { JsonlPersistence } from '../../../src/contracts/persistence/index.js'
import { openStore } from '../../../src/index.js'
import { insert, message, numbered } from '../../conformance/persistence/notation.js'
import { following, patch } from '../../helpers/file-calls.js'
import { open, tempFolder } from '../../helpers/store.js'

interface Work {
  opened: string[]
  bytesRead: number
  writes: number
  renames: number
}

/** Counts what is done to logs while `work` runs. */
async function counting(work: () => Promise<unknown>): Promise<Work> {
  const counts: Work = { opened: [], bytesRead: 0, writes: 0, renames: 0 }
  const isLog = (file: unknown) => String(file).endsWith('.jsonl')
  const nameOf = (fd: number) => fs.readlinkSync(`/proc/self/fd/${fd}`)
  const restores = [
    patch('open', (original) => (file, ...more) => {
      if (isLog(file)) counts.opened.push(file)
      return original.call(fs, file, ...more)
    }),
    patch('read', (original) => (fd, ...more) => {
      const counted = isLog(nameOf(fd))
      return following(original(fd, ...more), (count) => {
        if (counted) counts.bytesRead += count
        return count
      })
    }),
    patch('write', (original) => (fd, ...more) => {
      if (!nameOf(fd).includes('.locks') && !nameOf(fd).includes('.meta.json')) counts.writes++
      return original.call(fs, fd, ...more)
    }),
    patch('rename', (original) => (from, to) => {
      if (isLog(to)) counts.renames++
      return original.call(fs, from, to)
    }),
  ]
  try {
    await work()
  } finally {
    for (const restore of restores) restore()
  }
  return counts
}

// names of open files are read from /proc
const onLinux = test.skipIf(process.platform !== 'linux')

async function opened() {
  const store = await open()
  const persistence = new JsonlPersistence(store)
  return { store, persistence, id: await persistence.createSession('main', '/p') }
}

onLinux('a new session is one write', async () => {
  const { persistence } = await opened()
  expect((await counting(() => persistence.createSession('main', '/p'))).writes).toBe(1)
})

onLinux('an insert is one write, and reads nothing, however long the log is', async () => {
  const { persistence, id } = await opened()
  await insert(persistence, id, ...numbered(500))
  const work = await counting(() => persistence.insertMessage(id, message('u one more')))
  expect(work).toEqual({ opened: [], bytesRead: 0, writes: 1, renames: 0 })
  const note = await counting(() => persistence.setMetadata(id, 'k', 'v'))
  expect(note).toEqual({ opened: [], bytesRead: 0, writes: 1, renames: 0 })
  const read = await counting(() => persistence.getMetadata(id, 'k'))
  expect(read).toEqual({ opened: [], bytesRead: 0, writes: 0, renames: 0 })
})

onLinux('a context and all messages are one reading of the log each', async () => {
  const { store, persistence, id } = await opened()
  await insert(persistence, id, ...numbered(100), 'A[x]', 'T x')
  await persistence.compactSession(id, 'sum', 20)
  const { size } = fs.statSync(store.session(id).path)
  for (const read of [() => persistence.loadContext(id), () => persistence.loadAllMessages(id)]) {
    const { opened, bytesRead, writes } = await counting(read)
    expect(opened.length).toBe(1)
    expect(bytesRead).toBeLessThanOrEqual(size)
    expect(writes).toBe(0)
  }
})

onLinux('a compaction is one line in one write', async () => {
  const { persistence, id } = await opened()
  await insert(persistence, id, ...numbered(100))
  const { opened: logs, writes, renames } = await counting(() => persistence.compactSession(id, 'sum', 20))
  expect(logs.length).toBeLessThanOrEqual(1)
  expect([writes, renames]).toEqual([1, 0])
})

onLinux('the last texts are read from the end', async () => {
  const { store, persistence, id } = await opened()
  const long = 'x'.repeat(10_000)
  await insert(persistence, id, ...Array.from({ length: 300 }, (_, i) => `T x ${long} ${i}`), 'u question', 'a answer')
  const { size } = fs.statSync(store.session(id).path)
  for (const read of [() => persistence.lastUserMessage(id), () => persistence.lastAssistantMessage(id)]) {
    expect((await counting(read)).bytesRead).toBeLessThan(size / 10)
  }
})

onLinux('recent texts open no session that cannot contribute', async () => {
  const dir = tempFolder()
  const clock = { ms: Date.UTC(2026, 0, 1) }
  const first = await openStore(dir, { now: () => clock.ms })
  for (let n = 0; n < 30; n++) {
    const persistence = new JsonlPersistence(first)
    await insert(persistence, await persistence.createSession('main', '/p'), `u text ${n}`, 'a answer')
    clock.ms += 1000
  }
  await first.close()
  const persistence = new JsonlPersistence(await open(dir, { now: () => clock.ms }))
  const { opened } = await counting(async () => {
    expect(await persistence.recentUserMessages(3)).toEqual(['text 29', 'text 28', 'text 27'])
  })
  expect(new Set(opened).size).toBeLessThanOrEqual(4)
})

onLinux('a purge rewrites each affected log once, and opens no other', async () => {
  const dir = tempFolder()
  const first = await openStore(dir)
  const ids: string[] = []
  for (let n = 0; n < 10; n++) {
    const persistence = new JsonlPersistence(first)
    const id = await persistence.createSession('main', '/p')
    await insert(persistence, id, ...numbered(4))
    if (n % 3 === 0) ids.push(id)
    if (n % 3 === 0) await persistence.compactSession(id, 'sum', 1)
  }
  await first.close()
  const store = await open(dir)
  const persistence = new JsonlPersistence(store)
  const work = await counting(async () => expect(await persistence.purgeCompacted(0)).toBe(12))
  expect(work.renames).toBe(4)
  const affected = new Set(ids.map((id) => store.session(id).path))
  expect(work.opened.filter((file) => !affected.has(file) && !file.includes('tmp'))).toEqual([])
  await persistence.compactedStats()
  const idle = await counting(async () => expect(await persistence.purgeCompacted(0)).toBe(0))
  expect(idle).toEqual({ opened: [], bytesRead: 0, writes: 0, renames: 0 })
})
