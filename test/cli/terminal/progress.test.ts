import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { showingProgress, showingWork } from '../../../src/cli/terminal/progress.js'

const isTTY = process.stderr.isTTY
let shown = ''

beforeEach(() => {
  shown = ''
  vi.useFakeTimers()
  vi.stubEnv('TERM', 'xterm')
  vi.stubEnv('NO_COLOR', '1')
  process.stderr.isTTY = true
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    shown += text
    return true
  })
})

afterEach(() => {
  process.stderr.isTTY = isTTY
  vi.useRealTimers()
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

const lasting = (ms: number) => new Promise<string>((resolve) => setTimeout(resolve, ms, 'done'))

test('work of less than a second shows nothing', async () => {
  const work = showingWork('reading', lasting(900))
  await vi.advanceTimersByTimeAsync(900)
  expect(await work).toBe('done')
  expect(shown).toBe('')
})

test('longer work says what it does and for how long, and leaves no line behind', async () => {
  let done = 0
  const work = showingWork(() => `${++done} done`, lasting(3_000))
  await vi.advanceTimersByTimeAsync(3_000)
  await work
  expect(shown).toMatch(/^\r(\x1b\[\d+m)*\d+ done, 1 s/)
  expect(shown).toContain(' done, 2 s')
  expect(shown.endsWith('\r\x1b[K')).toBe(true)
})

test('the line goes when work fails, and nothing is shown where stderr is no terminal', async () => {
  const failing = showingWork(
    'reading',
    lasting(1_500).then(() => Promise.reject(new Error('no'))),
  )
  const failed = expect(failing).rejects.toThrow('no')
  await vi.advanceTimersByTimeAsync(1_500)
  await failed
  expect(shown.endsWith('\r\x1b[K')).toBe(true)
  shown = ''
  process.stderr.isTTY = false
  const quiet = showingWork('reading', lasting(3_000))
  await vi.advanceTimersByTimeAsync(3_000)
  await quiet
  expect(shown).toBe('')
})

test('a loop over sessions says which one it is at', async () => {
  const keys = ['ann', 'b\x1b[2Job', 'cid']
  for await (const _ of showingProgress(keys, 'sessions', (key) => key)) await vi.advanceTimersByTimeAsync(1_100)
  expect(shown).toContain('1 of 3 sessions, b\\x1b[2Job')
  expect(shown).toContain('2 of 3 sessions, cid')
})
