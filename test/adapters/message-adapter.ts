/** What every adapter that keeps messages must show. */
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { AnyStore } from '../../src/index.js'
import { ended, messageOf, start } from '../helpers/child.js'
import { failCall } from '../helpers/file-calls.js'
import { codeOf, filesIn, open, tempFolder } from '../helpers/store.js'

/** One conversation, as a program of the framework sees it. */
export interface Chat {
  add(text: string): Promise<unknown>
  texts(): Promise<string[]>
}

export interface MessageAdapter {
  chat: (store: AnyStore | Promise<AnyStore>, id: string) => Chat
  /** The key of the session of a chat. */
  keyOf: (id: string) => string
  /** The adapter refuses an id that would be no key. */
  refusesEmptyIds?: boolean
}

const HOSTILE = [
  '../escape',
  'a/b',
  '/etc/passwd',
  'x'.repeat(10_000),
  '😀',
  '__proto__',
  'constructor',
  'CON',
  'a%2Fb',
  ' ',
  'A',
  'a',
]

/** `name` is that of a script's entry in ../processes/message-adapters.mjs as well. */
export function describeMessageAdapter(name: string, { chat, keyOf, refusesEmptyIds = true }: MessageAdapter): void {
  describe(`${name} keeps messages`, () => {
    test('in call order, awaited or not, whether the store is open or will be', async () => {
      const texts = Array.from({ length: 50 }, (_, n) => `${n}`)
      for (const late of [false, true]) {
        const opened = open()
        const one = chat(late ? opened : await opened, 'ann')
        const done = texts.map((text) => one.add(text))
        await Promise.all(done)
        expect(await one.texts()).toEqual(texts)
      }
    })

    test('under any key, each for itself, within the folder', async () => {
      const folder = path.join(tempFolder(), 'sessions')
      const store = await open(folder)
      for (const id of HOSTILE) await chat(store, id).add(`of ${id}`)
      for (const id of HOSTILE) expect(await chat(store, id).texts()).toEqual([`of ${id}`])
      expect(await store.keys()).toEqual(HOSTILE.map(keyOf).sort())
      expect(fs.readdirSync(path.dirname(folder))).toEqual(['sessions'])
      if (refusesEmptyIds) expect(await codeOf(chat(store, '').add('x'))).toBe('ERR_INVALID_KEY')
      expect(await codeOf(chat(store, '\ud800').add('x'))).toBe('ERR_INVALID_KEY')
    })

    test('with those that were typed by hand', async () => {
      const store = await open()
      const one = chat(store, 'ann')
      await one.add('first')
      const log = store.session(keyOf('ann')).path
      fs.appendFileSync(log, '{"role":"user","content":"hi"}\n{"role":"event","content":"joined"}\n')
      expect(await one.texts()).toEqual(['first', 'hi'])
      await one.add('third')
      expect(await one.texts()).toEqual(['first', 'hi', 'third'])
      expect(fs.readFileSync(log, 'utf8')).toContain('joined')
    })

    test('through a rewrite before each call', async () => {
      const store = await open()
      const one = chat(store, 'ann')
      const texts: string[] = []
      for (let n = 0; n < 8; n++) {
        await store.session(keyOf('ann')).rewrite()
        await one.add(`${n}`)
        texts.push(`${n}`)
        if (n % 3 === 2) await store.session(keyOf('ann')).removeLast()
        if (n % 3 === 2) texts.pop()
        await store.session(keyOf('ann')).rewrite()
        expect(await one.texts()).toEqual(texts)
      }
      expect(await store.session(keyOf('ann')).check()).toMatchObject({ damage: [], duplicates: 0, contradictions: [] })
    })

    test('or fails: a disk that does not respond is no empty chat, and a write that failed left nothing', async () => {
      const folder = tempFolder()
      const one = chat(await open(folder), 'ann')
      await one.add('there')
      const cold = chat(await open(folder), 'ann')
      const reading = failCall(1, { code: 'EIO', lasting: true, only: (name) => name === 'open' || name === 'read' })
      expect(await codeOf(cold.texts())).toBe('EIO')
      reading.stop()
      const writing = failCall(1, { code: 'ENOSPC', lasting: true, only: (name) => name === 'write' })
      expect(await codeOf(one.add('no room'))).toBe('ENOSPC')
      writing.stop()
      expect(await one.texts()).toEqual(['there'])
      await one.add('again')
      expect(await cold.texts()).toEqual(['there', 'again'])
    })

    test('of a store that could not be opened: every call is rejected with that, and nothing is unhandled', async () => {
      const failure = Promise.reject(Object.assign(new Error('no store'), { code: 'EACCES' }))
      const one = chat(failure, 'ann')
      await new Promise((resolve) => setImmediate(resolve))
      expect(await codeOf(one.texts())).toBe('EACCES')
      expect(await codeOf(one.add('x'))).toBe('EACCES')
      expect(() => chat({} as never, 'ann')).toThrow(TypeError)
      expect(await codeOf(chat(Promise.resolve({} as never), 'ann').texts())).toContain('TypeError')
    })

    test('makes nothing by reading', async () => {
      const store = await open()
      expect(await chat(store, 'ann').texts()).toEqual([])
      expect(filesIn(store.dir)).toEqual([])
    })

    test('of two processes: none is lost, each process has its order, and every read is whole', async () => {
      const folder = tempFolder()
      const children = ['a', 'b'].map((mark) => start('message-adapters.mjs', [name, folder, 'ann', mark, '200']))
      const one = chat(await open(folder), 'ann')
      let isRunning = true
      const done = Promise.all(children.map((child) => ended(child))).finally(() => {
        isRunning = false
      })
      for (let least = 0; isRunning; ) {
        const texts = await one.texts()
        expect(texts.length).toBeGreaterThanOrEqual(least)
        least = texts.length
        for (const mark of ['a', 'b']) {
          const own = texts.filter((text) => text.startsWith(mark))
          expect(own).toEqual(own.map((_, n) => `${mark}${n}`))
        }
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      for (const { code } of await done) expect(code).toBe(0)
      expect(await one.texts()).toHaveLength(400)
    })

    test('that were acknowledged before the process was killed', async () => {
      const folder = tempFolder()
      const child = start('message-adapters.mjs', [name, folder, 'ann', 'a', '100000'])
      for (let told = 0; told < 30; ) told = await messageOf<number>(child)
      let last = 0
      child.on('message', (count: number) => {
        last = count
      })
      child.kill('SIGKILL')
      await ended(child)
      const store = await open(folder)
      const texts = await chat(store, 'ann').texts()
      expect(texts.length).toBeGreaterThanOrEqual(Math.max(30, last))
      expect(texts).toEqual(texts.map((_, n) => `a${n}`))
      await chat(store, 'ann').add('after')
      expect(await store.session(keyOf('ann')).check()).toMatchObject({ damage: [], duplicates: 0 })
    })
  })
}
