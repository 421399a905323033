/** Exclusive turns and recoveries of real processes that are killed and stopped at any moment. */
import fs from 'node:fs'
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { ended, RemoteStore, start } from '../helpers/child.js'
import { codeOf, fill, message, open, randomOf, sleep, tempFolder } from '../helpers/store.js'

/** How long the long form takes, seconds: `CLAIM_SECONDS=600 npx vitest run … claims`. */
const SECONDS = Number(process.env.CLAIM_SECONDS ?? 5)

test(
  `never two turns of a session at once, in 6 processes that are killed and stopped, for ${SECONDS} s`,
  async () => {
    const folder = path.join(tempFolder(), 'store')
    const witnesses = tempFolder()
    const random = randomOf(Date.now())
    const counts = { kills: 0, stops: 0 }
    const end = performance.now() + SECONDS * 1_000
    const one = async () => {
      while (performance.now() < end - 500) {
        const child = start('claimer.mjs', [folder, witnesses, String(Math.round(end - performance.now()))])
        const gone = ended(child)
        const at = performance.now() + 400 + random() * Math.min(6_000, SECONDS * 600)
        while (child.exitCode === null && child.signalCode === null && performance.now() < at) {
          await sleep(50 + random() * 300)
          if (random() > 0.3 || child.exitCode !== null) continue
          child.kill('SIGSTOP')
          counts.stops++
          await sleep(random() * 200)
          child.kill('SIGCONT')
        }
        if (performance.now() < end - 500 && child.exitCode === null) {
          child.kill('SIGKILL')
          counts.kills++
        }
        await gone
      }
    }
    await Promise.all(Array.from({ length: 6 }, one))
    const told = (what: string) => {
      const file = path.join(witnesses, what)
      return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : ''
    }
    const turns = told('turns').length
    const others = { refused: told('refused').length, takenOver: told('taken-over').length }
    if (SECONDS > 5) console.log({ turns, ...others, ...counts })
    expect(told('two')).toBe('')
    expect(turns).toBeGreaterThan(20)
    expect(counts.kills).toBeGreaterThan(0)
  },
  SECONDS * 1_000 + 60_000,
)

describe('an exclusive turn', () => {
  test('rejects while another one runs, in this process and in others, and begins when that ends', async () => {
    const store = await open()
    const remote = await RemoteStore.open(store.dir)
    const session = store.session('a')
    await session.setState('running', 'one', { exclusive: true })
    await session.setState('running', 'one', { exclusive: true })
    const other = (await open(store.dir)).session('a')
    expect(await codeOf(session.setState('running', 'two', { exclusive: true }))).toBe('ERR_TURN_RUNNING')
    expect(await codeOf(other.setState('running', 'two', { exclusive: true }))).toBe('ERR_TURN_RUNNING')
    const inRemote = (turn: string) => remote.call('setState', 'a', 'running', turn, { exclusive: true })
    await expect(inRemote('two')).rejects.toMatchObject({ code: 'ERR_TURN_RUNNING' })
    expect(await session.state()).toMatchObject({ state: 'running', turnId: 'one' })
    await session.setState('idle', 'one')
    await inRemote('two')
    expect(await codeOf(session.setState('running', 'three', { exclusive: true }))).toBe('ERR_TURN_RUNNING')
    remote.kill('SIGSTOP')
    expect(await codeOf(session.setState('running', 'three', { exclusive: true }))).toBe('ERR_TURN_RUNNING')
    remote.kill('SIGKILL')
    await ended(remote.child)
    await session.setState('running', 'three', { exclusive: true })
    expect(await session.state()).toMatchObject({ state: 'running', turnId: 'three' })
  })

  test('is begun under the lease where appends take it', async () => {
    const folder = tempFolder()
    const store = await open(folder, { appends: 'leased', lockTimeout: 2_000 })
    const remote = await RemoteStore.open(folder, { appends: 'leased' })
    const inRemote = (state: string, turn: string) => remote.call('setState', 'a', state, turn, { exclusive: true })
    const session = store.session('a')
    await session.append(message('1'))
    await inRemote('running', 'theirs')
    expect(await codeOf(session.setState('running', 'ours', { exclusive: true }))).toBe('ERR_TURN_RUNNING')
    await inRemote('idle', 'theirs')
    await session.setState('running', 'ours', { exclusive: true })
    await expect(inRemote('running', 'theirs')).rejects.toMatchObject({ code: 'ERR_TURN_RUNNING' })
    await session.setState('idle', 'ours')
    // a holder that is stopped keeps its lease, and nobody claims beside it
    await remote.call('append', 'a', message('2'))
    remote.kill('SIGSTOP')
    expect(await codeOf(session.setState('running', 'ours', { exclusive: true }))).toBe('ERR_LOCKED')
    remote.kill('SIGCONT')
    await session.setState('running', 'ours', { exclusive: true })
    expect(await session.state()).toMatchObject({ state: 'running', turnId: 'ours' })
  })

  test('of a worker thread is over when the thread is gone, and not while it is blocked', async () => {
    const store = await open()
    const session = await fill(store, 'a', ['1'])
    const worker = new Worker(new URL('../processes/turn-in-thread.mjs', import.meta.url), {
      workerData: { folder: store.dir, blocks: 700 },
    })
    await new Promise((resolve) => worker.once('message', resolve))
    const began = performance.now()
    expect(await codeOf(session.setState('running', 'mine', { exclusive: true }))).toBe('ERR_TURN_RUNNING')
    expect(performance.now() - began).toBeLessThan(600)
    expect(await store.running()).toMatchObject([{ key: 'a', owner: { liveness: 'alive' } }])
    const remote = await RemoteStore.open(store.dir)
    expect((await remote.call('recover')).runs).toEqual([])
    await worker.terminate()
    expect(await store.running()).toMatchObject([{ key: 'a', owner: { pid: process.pid, liveness: 'dead' } }])
    expect((await remote.call('recover')).runs).toMatchObject([{ key: 'a', reason: 'owner-dead' }])
    await session.setState('running', 'mine', { exclusive: true })
  })

  test('is refused where the run log of a living owner cannot be read; all else goes on', async () => {
    const store = await open()
    const session = await fill(store, 'a', ['1'])
    const remote = await RemoteStore.open(store.dir)
    await remote.call('setState', 'b', 'running', 't')
    // before its sidecar says that it runs
    remote.kill('SIGSTOP')
    const [name] = fs.readdirSync(path.join(store.dir, '.running'))
    const file = path.join(store.dir, '.running', name!)
    fs.truncateSync(file, 65 * 1024 * 1024)
    expect(await codeOf(session.setState('running', 't', { exclusive: true }))).toBe('EFBIG')
    await session.setState('running', 't')
    await session.append(message('2'))
    expect(await store.running()).toMatchObject([{ key: 'a' }])
    await store.recover()
    await session.setState('idle')
    remote.kill('SIGKILL')
    await ended(remote.child)
    await session.setState('running', 't', { exclusive: true })
  })
})

test('a run log that may be anything never stops a call that is about something else', async () => {
  const names = ['box-1-0123456789abcdef.jsonl', `box-${process.pid}-0123456789abcdef.jsonl`, 'notes.txt']
  const kinds: Record<string, (file: string) => void> = {
    'a folder': (file) => fs.mkdirSync(file),
    'a link': (file) => fs.symlinkSync('/nowhere', file),
    empty: (file) => fs.writeFileSync(file, ''),
    garbage: (file) => fs.writeFileSync(file, 'garb\0age\n{"owner":5}\n[]\n{"key":"a","state":"running","n":1e9}\n'),
    'an owner and garbage': (file) =>
      fs.writeFileSync(
        file,
        '{"owner":{"host":"box","boot":"x","pidns":"","pid":1,"start":""},"at":"2026-01-01T00:00:00.000Z"}\n' +
          '{"key":7}\n{"key":"../b","session":null,"state":"running","turnId":"t","n":9,"at":"2026-01-01T00:00:00.000Z"}\n',
      ),
  }
  for (const name of names) {
    for (const [kind, make] of Object.entries(kinds)) {
      const folder = tempFolder()
      const place = path.join(folder, '.running')
      fs.mkdirSync(place)
      make(path.join(place, name))
      const store = await open(folder)
      const session = await fill(store, 'a', ['1'])
      await session.setState('running', 't')
      expect(await store.running(), `${name}, ${kind}`).toMatchObject([{ key: 'a' }])
      await session.setState('idle', 't')
      expect((await store.list()).map(({ state }) => state)).toEqual(['idle'])
      await store.recover({ action: 'error', keys: ['a'] })
      await store.cleanup({ olderThan: 1e15 })
    }
  }
})
