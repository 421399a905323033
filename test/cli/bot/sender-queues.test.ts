import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { SenderQueues } from '../../../src/cli/bot/sender-queues.js'

interface Task {
  lane: string
  number: number
}

function recorder({ concurrency = 4, waiting = 100, bytes = 1e9, ms = () => Math.random() * 3 } = {}) {
  const order: Task[] = []
  const busy = new Set<string>()
  const seen = { most: 0, overlap: false }
  const lanes = new SenderQueues<Task>({
    concurrency,
    waiting,
    bytes,
    run: async (task) => {
      if (busy.has(task.lane)) seen.overlap = true
      busy.add(task.lane)
      seen.most = Math.max(seen.most, busy.size)
      await sleep(ms())
      busy.delete(task.lane)
      order.push(task)
    },
  })
  return { lanes, order, seen }
}

describe('Lanes', () => {
  test('keeps the order in a lane and runs lanes side by side', async () => {
    const { lanes, order, seen } = recorder()
    for (let number = 0; number < 200; number++) {
      const lane = `lane ${number % 7}`
      await lanes.add(lane, { lane, number })
    }
    await lanes.idle()
    expect(order).toHaveLength(200)
    expect(seen).toEqual({ most: 4, overlap: false })
    for (let i = 0; i < 7; i++) {
      const numbers = order.filter(({ lane }) => lane === `lane ${i}`).map(({ number }) => number)
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    }
  })

  test('a busy lane does not keep the others from their turn', async () => {
    const { lanes, order } = recorder({ concurrency: 1, ms: () => 1 })
    for (let number = 0; number < 5; number++) await lanes.add('a', { lane: 'a', number })
    await lanes.add('b', { lane: 'b', number: 0 })
    await lanes.idle()
    expect(order.findIndex(({ lane }) => lane === 'b')).toBeLessThanOrEqual(1)
  })

  test('holds its caller back by number and by bytes', async () => {
    for (const limit of [{ waiting: 3 }, { bytes: 30 }]) {
      const { lanes } = recorder({ concurrency: 1, ms: () => 20, ...limit })
      let added = 0
      const adding = (async () => {
        for (let number = 0; number < 6; number++) {
          await lanes.add('a', { lane: 'a', number }, 10)
          added++
        }
      })()
      await sleep(5)
      expect(added).toBe(4) // one runs, three wait
      await adding
      await lanes.idle()
    }
  })

  test('a task larger than all that may wait is still taken', async () => {
    const { lanes, order } = recorder({ concurrency: 1, bytes: 10 })
    await lanes.add('a', { lane: 'a', number: 0 }, 1)
    await lanes.add('a', { lane: 'a', number: 1 }, 1000)
    await lanes.idle()
    expect(order).toHaveLength(2)
  })

  test('stop lets the running task finish, drops the waiting ones and releases blocked callers', async () => {
    const { lanes, order } = recorder({ concurrency: 2, waiting: 2, ms: () => 20 })
    for (let number = 0; number < 4; number++) await lanes.add(`${number}`, { lane: `${number}`, number })
    const held = lanes.add('late', { lane: 'late', number: 9 })
    expect(lanes.stop()).toBe(2)
    expect(await held).toBe(false)
    expect(await lanes.add('later', { lane: 'later', number: 10 })).toBe(false)
    await lanes.idle()
    expect(order.map(({ number }) => number).sort()).toEqual([0, 1])
  })

  test('idle rejects when a task did', async () => {
    const lanes = new SenderQueues<string>({
      concurrency: 1,
      waiting: 9,
      bytes: 9,
      run: () => Promise.reject(new Error('no')),
    })
    await lanes.add('a', 'task')
    await expect(lanes.idle()).rejects.toThrow('no')
  })
})
