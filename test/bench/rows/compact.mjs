/**
 * Rewriting a long log without what was removed from it. The first tenth of the messages was removed before; each
 * contestant gets the same file again before each operation. All answer when the new file is on disk.
 */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { Naive } from '../competitors/naive.mjs'
import { Ours } from '../competitors/ours.mjs'
import { Raw } from '../competitors/raw.mjs'
import { SqliteFull } from '../competitors/sqlite.mjs'
import { atMost, below, known } from '../goals.mjs'
import { MB, peak, resetPeak } from '../memory.mjs'
import { keys, messages } from '../messages.mjs'
import { fillSession, withStore } from './contestant.mjs'
import { assertEndsWith } from './proof.mjs'

const [key] = keys(1)
const LINE_BYTES = 400
const REMOVED = 0.1
const AT_ONCE = 1000
const BLOCK = MB
const PARSED =
  'every line is parsed twice: once for what is removed, once for what goes, so that nothing unreadable goes'

export function compact(megabytes) {
  const count = Math.round((megabytes * MB) / LINE_BYTES)
  const gone = Math.floor(count * REMOVED)

  const contestants = {
    [Ours.title]: async (dir) => {
      let store = await Ours.open(dir)
      let session = store.store.session(key)
      const ids = []
      for (let from = 0; from < count; from += AT_ONCE) {
        ids.push(...(await store.fill(key, messages(from, Math.min(count, from + AT_ONCE)))))
      }
      // each call looks through the log for its ids
      assert.equal(await session.remove(ids.slice(0, gone)), gone)
      ids.length = 0
      const full = path.join(dir, 'full')
      await copy(session.path, full)
      return {
        async before() {
          // as with sqlite; what an open store does with a file that was changed from outside is not the rewrite's work
          await store.close()
          await copy(full, session.path)
          store = await Ours.open(dir)
          session = store.store.session(key)
          assert.equal((await session.info()).messages, count - gone)
        },
        operation: () => session.rewrite(),
        after: () => withStore(Ours, dir, (other) => other.load(key)),
        file: session.path,
        full,
        stop: () => store.close(),
      }
    },

    [Raw.title]: async (dir) => {
      const full = path.join(dir, 'full.jsonl')
      await withStore(Raw, dir, (store) => fillSession(store, 'full', messages(0, count)))
      const cut = lineStart(full, gone)
      const file = path.join(dir, `${key}.jsonl`)
      const block = Buffer.allocUnsafeSlow(BLOCK)
      return {
        operation: () => copyFrom(cut, full, file, block),
        after: () => withStore(Raw, dir, (store) => store.load(key)),
        file,
        full,
      }
    },

    sqlite: async (dir) => {
      await withStore(SqliteFull, dir, async (store) => {
        await fillSession(store, key, messages(0, count))
        store.db.prepare('DELETE FROM messages WHERE id IN (SELECT id FROM messages ORDER BY id LIMIT ?)').run(gone)
        store.db.pragma('wal_checkpoint(TRUNCATE)')
      })
      const file = path.join(dir, 'sessions.sqlite')
      const full = path.join(dir, 'full')
      await copy(file, full)
      let store
      return {
        async before() {
          store?.close()
          await copy(full, file)
          store = await SqliteFull.open(dir)
        },
        operation() {
          store.db.exec('VACUUM')
          store.db.pragma('wal_checkpoint(TRUNCATE)')
        },
        after: () => store.load(key),
        file,
        full,
        stop: () => store?.close(),
      }
    },

    [Naive.title]: async (dir) => {
      await withStore(Naive, dir, (store) => fillSession(store, 'full', messages(0, count)))
      const full = path.join(dir, 'full.jsonl')
      const file = path.join(dir, `${key}.jsonl`)
      return {
        async operation() {
          const lines = (await fs.promises.readFile(full, 'utf8')).split('\n').filter(Boolean)
          const kept = lines.map((line) => JSON.parse(line)).slice(gone)
          await writeFileAtomic(file, kept.map((message) => `${JSON.stringify(message)}\n`).join(''))
        },
        after: () => withStore(Naive, dir, (store) => store.load(key)),
        file,
        full,
      }
    },
  }
  const as = { [Raw.title]: 'copy of the kept range', sqlite: 'VACUUM' }

  return {
    name: `compact-${megabytes}`,
    work: `rewrite a log of ${megabytes} MB, the first tenth removed`,
    unit: 'ms',
    most: 5,
    contestants: Object.entries(contestants).map(([name, prepare]) => ({
      name,
      as: as[name],
      async start(dir) {
        const { before, operation, after, file, full, stop } = await prepare(dir)
        let memory = 0
        let start
        return {
          most: 1,
          async before() {
            await before?.()
            start = resetPeak()
          },
          async operation() {
            await operation()
            memory = Math.max(memory, peak() - start)
          },
          turn() {
            memory = 0
          },
          figures: () => ({ memory }),
          async proof() {
            const left = await after()
            assert.equal(left.length, count - gone)
            assertEndsWith(left, messages(gone, count))
            assert.ok(fs.statSync(file).size < fs.statSync(full).size * (1 - REMOVED / 2))
          },
          stop: () => stop?.(),
        }
      },
    })),
    goals: [known(1.2, PARSED, atMost(1.5, 'sqlite', { as: 'VACUUM' })), below(64, 'memory')],
  }
}

/** A new file of the same bytes, on disk, so that no later sync pays for it. */
async function copy(from, to) {
  const made = `${to}.copy`
  await fs.promises.copyFile(from, made)
  const file = await fs.promises.open(made, 'r+')
  await file.sync()
  await file.close()
  fs.renameSync(made, to)
}

function copyFrom(start, from, to, block) {
  const made = `${to}.new`
  const source = fs.openSync(from)
  const out = fs.openSync(made, 'w')
  let position = start
  for (;;) {
    const count = fs.readSync(source, block, 0, BLOCK, position)
    if (count === 0) break
    fs.writeSync(out, block, 0, count)
    position += count
  }
  fs.fsyncSync(out)
  fs.closeSync(out)
  fs.closeSync(source)
  fs.renameSync(made, to)
}

/** Where line number `count`, from 0, begins. */
function lineStart(file, count) {
  const bytes = fs.readFileSync(file)
  let at = 0
  for (let i = 0; i < count; i++) at = bytes.indexOf(0x0a, at) + 1
  return at
}
