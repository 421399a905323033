import { expect, onTestFinished, test } from 'vitest'
import { listeningFirst } from '../../../src/disk/lock/signal-listeners.js'

test('what a package adds while it is loaded is called before a listener that was there, and counts it', async () => {
  const called: string[] = []
  const hook = () => called.push(`hook, of ${process.listenerCount('SIGWINCH')}`)
  onTestFinished(() => void process.removeListener('SIGWINCH', hook))
  process.once('SIGWINCH', () => called.push('once'))
  const loaded = await listeningFirst(async () => {
    process.on('SIGWINCH', hook)
    return 7
  })
  process.emit('SIGWINCH')
  expect(loaded).toBe(7)
  expect(called).toEqual(['hook, of 2', 'once'])
})

test('many calls that wait for the same loading add one listener for files at their size limit', async () => {
  const before = process.listeners('SIGXFSZ')
  onTestFinished(() => {
    for (const listener of process.listeners('SIGXFSZ'))
      if (!before.includes(listener)) process.removeListener('SIGXFSZ', listener)
  })
  const loadOften = async () => {
    const loading = new Promise<void>((resolve) => {
      setTimeout(() => {
        process.on('SIGXFSZ', () => {})
        resolve()
      })
    })
    await Promise.all(Array.from({ length: 20 }, () => listeningFirst(() => loading)))
    return process.listenerCount('SIGXFSZ')
  }
  // leases of other tests in this process may have added it before
  const first = await loadOften()
  expect(first - before.length).toBeLessThanOrEqual(2)
  expect(await loadOften()).toBe(first + 1)
})
