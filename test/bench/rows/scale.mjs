import assert from 'node:assert/strict'
import { Ours } from '../competitors/ours.mjs'
import { below, under } from '../goals.mjs'
import { peak, resetPeak } from '../memory.mjs'
import { keys, messageAt } from '../messages.mjs'
import { contestant } from './contestant.mjs'

const SESSIONS = 1000
/** Messages come in groups, ms apart. */
const PAUSE = 10

/** So many appends a second, for so long; each is timed from the moment at which it was due. */
export function steady(perSecond, seconds) {
  const all = keys(SESSIONS)
  const each = (perSecond * PAUSE) / 1000
  const stream = (store) => {
    let length
    let written = 0
    let late
    let noted
    let memory
    const group = async (due) => {
      await Promise.all(
        Array.from({ length: each }, async () => {
          const number = written++
          await store.append(all[number % SESSIONS], messageAt(number))
          late[noted++] = performance.now() - due
        }),
      )
    }
    return {
      most: 1,
      selfTimed: true,
      /** The run before the measured one only warms up. */
      turn(number) {
        length = number === 0 ? 2 : seconds
      },
      async operation() {
        const groups = (length * 1000) / PAUSE
        // the row's own notes take their memory before it is measured: in ten minutes a list of them takes 110 MB
        late = new Float64Array(groups * each).fill(0)
        noted = 0
        const running = new Set()
        const before = resetPeak()
        const start = performance.now()
        for (let i = 0; i < groups; i++) {
          const due = start + i * PAUSE
          const wait = due - performance.now()
          if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
          const one = group(due).then(() => running.delete(one))
          running.add(one)
        }
        await Promise.all(running)
        memory = peak() - before
        return late.reduce((sum, took) => sum + took, 0) / late.length
      },
      figures() {
        late.sort()
        return { memory, 'late p99': late[Math.floor(late.length * 0.99)] * 1000, 'late worst': late.at(-1) * 1000 }
      },
      async proof() {
        let found = 0
        for (const key of all) found += (await store.load(key)).length
        assert.equal(found, written)
      },
    }
  }
  return {
    name: `steady-${perSecond}`,
    work: `${perSecond.toLocaleString('en')} appends a second for ${seconds} s, lateness of one`,
    unit: 'ms',
    most: 1,
    contestants: [contestant(Ours, stream)],
    goals: [below(64, 'memory'), under(200_000, 'late p99')],
  }
}
