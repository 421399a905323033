/** What large things cost in memory: each in a fresh process, which has nothing else. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { Ours } from '../competitors/ours.mjs'
import { below } from '../goals.mjs'
import { MB } from '../memory.mjs'
import { keys, messages } from '../messages.mjs'
import { withStore } from './contestant.mjs'

const PROCESS = path.join(import.meta.dirname, 'memory-process.mjs')
const LINE_BYTES = 400
const AT_ONCE = 1000
const LAST = 50
const run = promisify(execFile)

function inFreshProcess({ name, work, what, fill, expected, goal }) {
  return {
    name,
    work,
    unit: 'ms',
    most: 3,
    contestants: [
      {
        name: Ours.title,
        async start(dir) {
          await withStore(Ours, dir, fill)
          let answer
          return {
            most: 1,
            selfTimed: true,
            async operation() {
              const { stdout } = await run(process.execPath, ['--expose-gc', PROCESS, what, dir])
              answer = JSON.parse(stdout)
              return answer.milliseconds
            },
            figures: () => ({ memory: answer.bytes }),
            proof: () => assert.equal(answer.count, expected),
            stop() {},
          }
        },
      },
    ],
    goals: [goal],
  }
}

/** The whole process, after a list of them all: the store caches them, the caller has dropped the result. */
export function memoryOfStore(sessions) {
  return inFreshProcess({
    name: `memory-store-${sessions}`,
    work: `open a store of ${sessions.toLocaleString('en')} sessions and list it; memory of the process`,
    what: 'store',
    async fill(store) {
      for (const key of keys(sessions)) await store.fill(key, messages(0, 2))
    },
    expected: sessions,
    goal: below(150, 'memory'),
  })
}

/** Above what the process had before it began. */
export function memoryOfLog(megabytes) {
  const count = Math.round((megabytes * MB) / LINE_BYTES)
  const row = (what, work, expected, most) =>
    inFreshProcess({
      name: `memory-${what}-${megabytes}`,
      work: `${work} of a log of ${megabytes.toLocaleString('en')} MB; peak of memory above start`,
      what,
      async fill(store) {
        const [key] = keys(1)
        for (let from = 0; from < count; from += AT_ONCE) {
          await store.fill(key, messages(from, Math.min(count, from + AT_ONCE)))
        }
      },
      expected,
      goal: below(most, 'memory'),
    })
  return [row('stream', 'stream all', count, 64), row('tail', `last ${LAST}`, LAST, 16)]
}
