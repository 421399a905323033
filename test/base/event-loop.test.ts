import { expect, test } from 'vitest'
import { inSteps, isLoopHeld, yieldToLoop } from '../../src/base/event-loop.js'

test('the work behind a pause counts from its start', async () => {
  await yieldToLoop()
  expect(isLoopHeld(performance.now())).toBe(false)
  await yieldToLoop()
  // the first look at the clock comes late
  expect(isLoopHeld(performance.now() + 9)).toBe(true)
})

test('steps hold all items in order', async () => {
  const items = Array.from({ length: 100 }, (_, n) => n)
  const seen: number[] = []
  for await (const step of inSteps(items)) seen.push(...step)
  expect(seen).toEqual(items)
})
