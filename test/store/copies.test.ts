/** One folder, several copies of the package in one process: two module graphs, and threads that have one each. */
import fs from 'node:fs'
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { codeOf, contents, locksIn, message, open, tempFolder } from '../helpers/store.js'

const BUILD = new URL('../../dist/lib/index.js', import.meta.url).href

/** The build is another copy than `src/`, with modules of its own. */
async function openCopy(folder: string, options = {}) {
  const { openStore } = (await import(BUILD)) as typeof import('../../src/index.js')
  return openStore(folder, options)
}

const numbers = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix} ${i}`)

describe('two copies of the package', () => {
  test.each([
    ['without leases', {}],
    ['with leases', { appends: 'leased' as const }],
  ])('append %s to one session: nothing is lost, each order is kept', async (_, options) => {
    const folder = tempFolder()
    const here = await open(folder, options)
    const copy = await openCopy(folder, options)
    expect(copy).not.toBeInstanceOf(here.constructor)
    const write = async (store: typeof here, prefix: string) => {
      for (const text of numbers(prefix, 50)) await store.session('a').append(message(text))
    }
    await Promise.all([write(here, 'here'), write(copy, 'copy')])
    const all = (await contents(here.session('a'))) as string[]
    expect(await contents(copy.session('a'))).toEqual(all)
    expect(all.filter((text) => text.startsWith('here'))).toEqual(numbers('here', 50))
    expect(all.filter((text) => text.startsWith('copy'))).toEqual(numbers('copy', 50))
    await copy.close()
    await here.close()
    expect(locksIn(folder)).toEqual([])
  })

  test('never work under one lease at the same time', async () => {
    const folder = tempFolder()
    const here = await open(folder)
    const copy = await openCopy(folder)
    await here.session('a').append(message('first'))
    // each change reads the whole log and replaces its only message: two at once would lose one
    const change = async (store: typeof here) => {
      for (let i = 0; i < 20; i++) {
        await store.session('a').change({}, ({ messages: [last] }) => {
          return { remove: [last!.id], append: [message(`${String(last!.content)}.`)], result: undefined }
        })
      }
    }
    await Promise.all([change(here), change(copy)])
    expect(await contents(here.session('a'))).toEqual([`first${'.'.repeat(40)}`])
    await copy.close()
  })

  test('exclude each other from a turn, and the end of one copy leaves the turn of the other alive', async () => {
    const folder = tempFolder()
    const here = await open(folder)
    const copy = await openCopy(folder)
    await here.session('a').setState('running', 'one', { exclusive: true })
    expect(await codeOf(copy.session('a').setState('running', 'two', { exclusive: true }))).toBe('ERR_TURN_RUNNING')
    await copy.session('b').setState('running', 'three')
    await copy.session('b').setState('idle', 'three')
    await copy.close()
    const later = await openCopy(folder)
    expect(await later.running()).toMatchObject([{ key: 'a', owner: { pid: process.pid, liveness: 'alive' } }])
    expect((await later.recover()).runs).toEqual([])
    await later.close()
    await here.session('a').setState('idle', 'one')
    expect(await here.running()).toEqual([])
  })
})

describe('threads', () => {
  test('of one process append to one session: nothing is lost, each order is kept, no lock is left', async () => {
    const folder = tempFolder()
    const here = await open(folder)
    const ended = ['one', 'two'].map((prefix) => {
      const workerData = { folder, prefix, count: 50 }
      const worker = new Worker(new URL('../processes/append-in-thread.mjs', import.meta.url), { workerData })
      return new Promise((resolve, reject) => worker.once('error', reject).once('exit', resolve))
    })
    for (const text of numbers('main', 50)) await here.session('a').append(message(text))
    expect(await Promise.all(ended)).toEqual([0, 0])
    const all = (await contents(here.session('a'))) as string[]
    expect(all).toHaveLength(150)
    for (const prefix of ['main', 'one', 'two'])
      expect(all.filter((text) => text.startsWith(prefix))).toEqual(numbers(prefix, 50))
    await here.close()
    expect(locksIn(folder)).toEqual([])
    expect(fs.existsSync(path.join(folder, '.quarantine'))).toBe(false)
  })
})
