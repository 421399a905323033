import assert from 'node:assert/strict'
import { execFile, fork } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { openStore } from '../../../dist/lib/index.js'
import { under } from '../goals.mjs'

/** How many of the stored sessions run. */
const RUNNING = 100
const MOST_BYTES = 20 * 1024 * 1024
const MOST_WATCHES = 300
/** The whole folder of more sessions than this takes more inotify watches than a system usually has. */
const MOST_FILES = 20_000
const PROCESS = path.join(import.meta.dirname, 'watch-process.mjs')
const run = promisify(execFile)

/** Sessions as files, without a store: 100,000 of them are made in seconds. */
function fill(dir, sessions) {
  for (let i = 0; i < sessions; i++) {
    const key = `s${i}`
    const id = `019aa1b2-6c00-7000-8000-${String(i).padStart(12, '0')}`
    const at = '2026-11-21T07:00:00.000Z'
    const header = JSON.stringify({ type: 'session', version: 1, key, id, at })
    const sidecar = { version: 1, key, session: id, run: null, watermark: null, summary: null }
    fs.writeFileSync(path.join(dir, `${key}.jsonl`), `${header}\n{"role":"user","content":"hello"}\n`, { mode: 0o600 })
    fs.writeFileSync(path.join(dir, `${key}.meta.json`), JSON.stringify(sidecar), { mode: 0o600 })
  }
}

async function runSome(dir, sessions) {
  fill(dir, sessions)
  const store = await openStore(dir)
  for (let i = 0; i < RUNNING; i++) await store.session(`s${i}`).setState('running', 't')
  return store
}

/** From `watch` to `ready` in a process of its own, its start and the opening of the store not counted. */
export function watchReady(sessions) {
  return {
    name: `watch-ready-${sessions}`,
    work: `watch ${sessions.toLocaleString('en')} sessions of which ${RUNNING} run: ready`,
    unit: 'ms',
    contestants: [['jsonl-sessions', 'store'], ...(sessions > MOST_FILES ? [] : [['naive', 'folder']])].map(
      ([name, what]) => ({
        name,
        async start(dir) {
          const store = await runSome(dir, sessions)
          let answer
          return {
            most: 1,
            selfTimed: true,
            async operation() {
              const { stdout } = await run(process.execPath, ['--expose-gc', PROCESS, what, dir])
              answer = JSON.parse(stdout)
              return answer.milliseconds
            },
            proof() {
              if (what === 'folder') return
              assert.equal(answer.started, RUNNING)
              assert.ok(answer.bytes < MOST_BYTES, `${answer.bytes} bytes for watching`)
              assert.ok(answer.watches < MOST_WATCHES, `${answer.watches} inotify watches`)
            },
            stop: () => store.close(),
          }
        },
      }),
    ),
    goals: [under(100_000, 'median')],
  }
}

/** From a change of a run state in one process to the callback in another and back, by a message. */
export function watchEvent(sessions) {
  return {
    name: `watch-event-${sessions}`,
    work: `change a state to callback in another process, ${sessions.toLocaleString('en')} sessions`,
    unit: 'ms',
    latency: true,
    contestants: [
      {
        name: 'jsonl-sessions',
        async start(dir) {
          const store = await runSome(dir, sessions)
          const session = store.session('s0')
          const watching = fork(PROCESS, ['events', dir])
          const told = () => new Promise((resolve) => watching.once('message', resolve))
          await told()
          let expected = 'started'
          let last = 'started'
          return {
            most: 500,
            async operation() {
              expected = expected === 'started' ? 'finished' : 'started'
              const event = told()
              await session.setState(expected === 'started' ? 'running' : 'idle', 't')
              last = await event
            },
            proof: () => assert.equal(last, expected),
            async stop() {
              watching.disconnect()
              await store.close()
            },
          }
        },
      },
    ],
    goals: [under(50_000, 'p99')],
  }
}
