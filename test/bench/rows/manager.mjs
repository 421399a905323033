/** What a program does that saves whole conversations: one more turn, a fork, the list. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { OurManager } from '../competitors/managers.mjs'
import { atMost, known } from '../goals.mjs'
import { keys, messageAt, messages } from '../messages.mjs'
import { contestant, fillSession, withStore } from './contestant.mjs'
import { assertEndsWith } from './proof.mjs'

const KEY = 'long'
const APPEND = 'append'
const COPY = 'fs.copyFile'

const own = (list) => structuredClone(list)

/**
 * Each operation hands in the whole session with one message more, and vouches for the others. Beside it: one that does
 * not, whose every message must be looked at, since any may have been changed in place.
 */
function save(count) {
  const saving = (options) => async (manager) => {
    const list = own(messages(0, count))
    await manager.save(KEY, list)
    return {
      most: 2000,
      operation() {
        list.push(messageAt(list.length))
        return manager.save(KEY, list, options?.(list))
      },
      async proof() {
        const stored = await manager.messages(KEY)
        assert.equal(stored.length, list.length)
        assertEndsWith(stored, list.slice(-100))
      },
    }
  }
  const appending = async (manager) => {
    let next = count
    await fillSession(manager, KEY, messages(0, count))
    return {
      most: 2000,
      operation: () => manager.append(KEY, messageAt(next++)),
      async proof() {
        assert.equal((await manager.messages(KEY)).length, next)
      },
    }
  }
  return {
    name: `manager-save-${count}`,
    work: `save of ${count.toLocaleString('en')} messages and one new`,
    unit: 'µs',
    contestants: [
      contestant(
        OurManager,
        saving((list) => ({ unchanged: list.length - 1 })),
      ),
      contestant(OurManager, saving(), { name: 'every message compared' }),
      contestant(OurManager, appending, { name: APPEND }),
    ],
    goals: [known(1.4, 'a save adds two lines, and copies what it is given', atMost(2, APPEND))],
  }
}

function fork(megabytes) {
  const fill = async (manager) => {
    const count = Math.ceil((megabytes * 1e6) / 382)
    for (let i = 0; i < count; i += 10_000) await manager.fill(KEY, messages(i, Math.min(i + 10_000, count)))
    await manager.store.session(KEY).setName('n')
  }
  const forking = (manager) => {
    let copy
    return {
      most: 20,
      before: () => copy && manager.delete(copy.id),
      async operation() {
        copy = await manager.fork(KEY)
      },
      async proof() {
        assert.ok(fs.statSync(manager.path(copy.id)).size > megabytes * 0.9e6)
        assert.equal((await manager.metadata(copy.id)).messages, (await manager.metadata(KEY)).messages)
      },
    }
  }
  const copying = (manager) => {
    const source = manager.path(KEY)
    const target = `${source}.copy`
    return {
      most: 20,
      before: () => fs.rmSync(target, { force: true }),
      operation: () => fs.promises.copyFile(source, target),
      proof: () => assert.equal(fs.statSync(target).size, fs.statSync(source).size),
    }
  }
  return {
    name: `manager-fork-${megabytes}`,
    work: `fork of a session of ${megabytes} MB`,
    unit: 'ms',
    contestants: [contestant(OurManager, forking, { fill }), contestant(OurManager, copying, { name: COPY, fill })],
    goals: [],
  }
}

/** In a store that was just opened: the proof is that it answers without the logs. */
function list(sessions) {
  const contestantOf = (name, work) => ({
    name,
    async start(dir) {
      await withStore(OurManager, dir, async (manager) => {
        for (const key of keys(sessions)) await manager.fill(key, messages(0, 20))
      })
      let rows
      return {
        async operation() {
          rows = await withStore(OurManager, dir, work)
        },
        async proof() {
          assert.equal(rows.length, sessions)
          assert.equal(await logsOpened(() => withStore(OurManager, dir, work)), 0)
        },
        stop() {},
      }
    },
  })
  return {
    name: `manager-list-${sessions}`,
    work: `list ${sessions.toLocaleString('en')} sessions through SessionManager, store just opened`,
    unit: 'ms',
    contestants: [
      contestantOf('jsonl-sessions', ({ manager }) => manager.list()),
      contestantOf('store.list', ({ store }) => store.list()),
    ],
    goals: [atMost(1.5, 'store.list')],
  }
}

/** How many logs are opened while `work` is done. */
async function logsOpened(work) {
  const { openSync } = fs
  let opened = 0
  fs.openSync = (file, ...more) => {
    if (String(file).endsWith('.jsonl')) opened++
    return openSync(file, ...more)
  }
  try {
    await work()
  } finally {
    fs.openSync = openSync
  }
  return opened
}

export function managerRows(size, sessions) {
  // both take some milliseconds for 10 MB: too noisy for the goal of every short run
  const forks = { short: [], normal: [fork(10)], full: [fork(100)] }[size]
  return [save(10_000), ...forks, list(sessions)]
}
