import http from 'node:http'
import type { AddressInfo } from 'node:net'
import session from 'express-session'
import { describe, expect, test } from 'vitest'
import { JsonlExpressStore } from '../../src/adapters/express-session.js'
import { openStore } from '../../src/index.js'
import { during, systemError } from '../helpers/file-calls.js'
import { codeOf, filesIn, open, tempFolder } from '../helpers/store.js'

const START = Date.parse('2026-11-21T07:00:00.000Z')

/** A call that takes a callback. */
function called<T = unknown>(call: (callback: (error: unknown, result?: T) => void) => void): Promise<T | undefined> {
  return new Promise((resolve, reject) => call((error, result) => (error ? reject(error) : resolve(result))))
}

const sessionOf = (name: string, expires?: Date) =>
  ({ name, cookie: { originalMaxAge: null, path: '/', ...(expires && { expires }) } }) as never

describe('JsonlExpressStore', () => {
  test('keeps sessions until their cookies end, or for its ttl', async () => {
    let now = START
    const store = await open(tempFolder(), { now: () => now })
    const sessions = new JsonlExpressStore(store, { ttl: 60_000 })
    expect(await called((done) => sessions.get('a', done))).toBeUndefined()
    expect(filesIn(store.dir)).toEqual([])
    await called((done) => sessions.set('a', sessionOf('Ann', new Date(START + 10_000)), done))
    await called((done) => sessions.set('b', sessionOf('Bob'), done))
    expect(await called((done) => sessions.get('a', done))).toMatchObject({ name: 'Ann' })
    expect(await called((done) => sessions.length(done))).toBe(2)
    now += 10_000
    expect(await called((done) => sessions.get('a', done))).toBeUndefined()
    expect(Object.keys((await called((done) => sessions.all(done))) as object)).toEqual(['b'])
    now += 50_000
    expect(await called((done) => sessions.length(done))).toBe(0)
    expect(await store.session('express-sessions').tags()).toEqual(['pinned'])
    await called((done) => sessions.set('c', sessionOf('Cid'), done))
    await called((done) => sessions.clear(done))
    expect(await called((done) => sessions.length(done))).toBe(0)
  })

  test('touch moves the end, and brings back neither older data nor a session that was destroyed', async () => {
    let now = START
    const store = await open(tempFolder(), { now: () => now })
    const sessions = new JsonlExpressStore(store, { touchAfter: 1_000 })
    const touch = (ms: number) => called((done) => sessions.touch('a', sessionOf('old', new Date(ms)), done))
    await called((done) => sessions.set('a', sessionOf('new', new Date(START + 10_000)), done))
    const bytes = async () => (await store.session('express-sessions').info())?.bytes
    const before = await bytes()
    await touch(START + 10_999)
    expect(await bytes()).toBe(before)
    await touch(START + 20_000)
    now += 15_000
    expect(await called((done) => sessions.get('a', done))).toMatchObject({
      name: 'new',
      cookie: { expires: '2026-11-21T07:00:20.000Z' },
    })
    await called((done) => sessions.destroy('a', done))
    await touch(START + 90_000)
    expect(await called((done) => sessions.get('a', done))).toBeUndefined()
  })

  test('calls land in call order, callbacks come later, errors come to them', async () => {
    const store = await open()
    const sessions = new JsonlExpressStore(store)
    const order: string[] = []
    sessions.set('a', sessionOf('1'), () => order.push('set 1'))
    sessions.set('a', sessionOf('2'), () => order.push('set 2'))
    const got = called((done) => sessions.get('a', done))
    order.push('behind the calls')
    expect(await got).toMatchObject({ name: '2' })
    expect(order).toEqual(['behind the calls', 'set 1', 'set 2'])
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    await expect(called((done) => sessions.set('a', cycle as never, done))).rejects.toThrow(TypeError)
    for (const sid of ['', '__proto__', '../x', 'x'.repeat(10_000)]) {
      await called((done) => sessions.set(sid, sessionOf(sid), done))
      expect(await called((done) => sessions.get(sid, done))).toMatchObject({ name: sid })
    }
  })

  test('an outage is an error, also one that the framework would take for no session', async () => {
    const folder = tempFolder()
    const store = await open(folder)
    await called((done) => new JsonlExpressStore(store).set('a', sessionOf('Ann'), done))
    await store.close()
    const sessions = new JsonlExpressStore(openStore(folder))
    const failing = () => () => {
      throw systemError('EIO')
    }
    expect(await during('open', failing, () => codeOf(called((done) => sessions.get('a', done))))).toBe('EIO')
    const gone = new JsonlExpressStore(Promise.reject(systemError('ENOENT')))
    await expect(called((done) => gone.get('a', done))).rejects.toThrow('not there')
    await expect(called((done) => gone.get('a', done))).rejects.not.toHaveProperty('code')
  })

  test('is the store of the middleware', async () => {
    const store = await open()
    const middleware = session({
      store: new JsonlExpressStore(store),
      secret: 'x',
      resave: false,
      saveUninitialized: true,
    })
    const server = http.createServer((req, res) => {
      middleware(req as never, res as never, () => {
        const data = (req as never as { session: { views?: number } }).session
        data.views = (data.views ?? 0) + 1
        res.end(String(data.views))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const first = await fetch(url)
    const cookie = first.headers.get('set-cookie')!.split(';')[0]!
    expect(await first.text()).toBe('1')
    expect(await (await fetch(url, { headers: { cookie } })).text()).toBe('2')
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
})
