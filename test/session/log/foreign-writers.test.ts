import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { LostReport, Session } from '../../../src/index.js'
import { type Call, during, following, patch } from '../../helpers/file-calls.js'
import {
  bareLine,
  contents,
  fill,
  message,
  open,
  randomOf,
  SOAK,
  sleep,
  tempFolder,
  until,
} from '../../helpers/store.js'

/** What other programs do to a log. */
const PROGRAMS: Record<string, (file: string) => void> = {
  'an editor that saves by renaming': (file) => {
    fs.writeFileSync(`${file}.new`, fs.readFileSync(file))
    fs.renameSync(`${file}.new`, file)
  },
  'an editor that keeps a backup': (file) => {
    const bytes = fs.readFileSync(file)
    fs.renameSync(file, `${file}~`)
    fs.writeFileSync(file, bytes)
  },
  'an editor that saves in place': (file) => {
    const bytes = fs.readFileSync(file)
    fs.truncateSync(file)
    fs.writeFileSync(file, bytes)
  },
  'sed -i, which changes a word': (file) => {
    fs.writeFileSync(`${file}.sed`, fs.readFileSync(file, 'utf8').replace('"content":"1"', '"content":"one"'))
    fs.renameSync(`${file}.sed`, file)
  },
  'git checkout of a version with one more line': (file) => {
    const bytes = fs.readFileSync(file)
    fs.unlinkSync(file)
    fs.writeFileSync(file, Buffer.concat([bytes, Buffer.from(bareLine('from git'))]))
  },
  'a backup by hard link': (file) => fs.linkSync(file, `${tempFolder()}/link`),
  'another appender': (file) => fs.appendFileSync(file, bareLine('appended')),
  'another appender, large': (file) => fs.appendFileSync(file, bareLine('y'.repeat(300_000))),
  'an appender that leaves its line open': (file) => fs.appendFileSync(file, bareLine('open').trimEnd()),
}

/** Each time a line of ours is being written to the log, `act` happens before the write, after it, or both. */
function meddle(session: Session, when: 'before' | 'after', act: (file: string) => void): { times: number } {
  const done = { times: 0 }
  let busy = false
  patch('write', (write) => (fd: number, bytes: Buffer, ...rest: number[]) => {
    const isOurs = !busy && Buffer.isBuffer(bytes) && bytes.includes('"content":"mine')
    busy = true
    if (isOurs && when === 'before') act(session.path)
    return following(write(fd, bytes, ...rest), (count) => {
      if (isOurs && when === 'after') act(session.path)
      busy = false
      if (isOurs) done.times++
      return count
    })
  })
  return done
}

describe('between appends', () => {
  test.each(Object.entries(PROGRAMS))('%s', async (_, act) => {
    const store = await open()
    const session = await fill(store, 'a', ['1', '2'])
    act(session.path)
    const between = await contents(session)
    await session.append(message('mine'))
    act(session.path)
    await session.append(message('mine too'))
    const texts = await contents(session)
    expect(texts.slice(0, between.length)).toEqual(between)
    expect(texts.filter((text) => String(text).startsWith('mine'))).toEqual(['mine', 'mine too'])
    expect((await session.info())?.messages).toBe(texts.length)
    expect((await store.list())[0]?.messages).toBe(texts.length)
  })
})

describe('in the very instant of the write', () => {
  for (const when of ['before', 'after'] as const) {
    test.each(Object.entries(PROGRAMS))(`${when} it: %s`, async (_, act) => {
      const store = await open()
      const session = await fill(store, 'a', ['1', '2'])
      let left = 3
      const done = meddle(session, when, (file) => {
        if (left-- > 0) act(file)
      })
      const ids: string[] = []
      for (const text of ['mine 1', 'mine 2', 'mine 3']) ids.push(await session.append(message(text)))
      expect(done.times).toBeGreaterThan(2)
      const messages = await session.messages()
      for (const [i, id] of ids.entries()) {
        expect(messages.filter((one) => one.id === id).map(({ content }) => content)).toEqual([`mine ${i + 1}`])
      }
      expect(messages.filter(({ content }) => ['1', 'one'].includes(content as string))).toHaveLength(1)
      const again = await open(store.dir)
      expect((await again.session('a').info())?.messages).toBe(messages.length)
      expect((await session.info())?.messages).toBe(messages.length)
    })

    test.each([
      [
        'by renaming',
        (file: string, old: Buffer) => {
          fs.writeFileSync(`${file}.new`, old)
          fs.renameSync(`${file}.new`, file)
        },
      ],
      ['in place', (file: string, old: Buffer) => fs.writeFileSync(file, old)],
    ])(`${when} it: an older version comes back, %s`, async (_, putBack) => {
      const lost: LostReport[] = []
      const store = await open(tempFolder(), { onLost: (report) => lost.push(report) })
      const session = await fill(store, 'a', ['1'])
      const old = fs.readFileSync(session.path)
      await session.append(message('2'))
      let left = 1
      meddle(session, when, (file) => {
        if (left-- > 0) putBack(file, old)
      })
      await session.append(message('mine'))
      await session.append(message('mine too'))
      expect(await contents(session)).toEqual(['1', 'mine', 'mine too'])
      expect(lost.map(({ messages }) => messages)).toEqual([1])
      await session.merge(lost[0]!.kept)
      expect((await contents(session)).sort()).toEqual(['1', '2', 'mine', 'mine too'])
    })

    test(`${when} it: the log is deleted`, async () => {
      const store = await open()
      for (const key of ['a', 'An encoded key']) {
        const session = await fill(store, key, ['1'])
        let left = 1
        meddle(session, when, (file) => {
          if (left-- > 0) fs.unlinkSync(file)
        })
        const id = await session.append(message('mine'))
        expect(await session.messages()).toMatchObject([{ id, content: 'mine' }])
      }
      expect(await store.keys()).toEqual(['An encoded key', 'a'])
    })

    test(`${when} it: the path is absent for a moment`, async () => {
      const store = await open()
      const session = await fill(store, 'a', ['1'])
      let left = 1
      meddle(session, when, (file) => {
        if (left-- > 0) {
          fs.renameSync(file, `${file}.away`)
          setTimeout(() => fs.renameSync(`${file}.away`, file), 15)
        }
      })
      await session.append(message('mine'))
      await until(() => !fs.existsSync(`${session.path}.away`))
      expect(await contents(session)).toEqual(['1', 'mine'])
    })

    test(`${when} it: several lines of one write`, async () => {
      const session = await fill(await open(), 'a', ['1'])
      let left = 2
      meddle(session, when, (file) => {
        if (left-- > 0) PROGRAMS['an editor that saves by renaming']!(file)
      })
      const ids = await session.append(['mine 1', 'mine 2', 'mine 3'].map(message))
      const messages = await session.messages()
      expect(messages.map(({ content }) => content)).toEqual(['1', 'mine 1', 'mine 2', 'mine 3'])
      expect(messages.slice(1).map(({ id }) => id)).toEqual(ids)
    })
  }

  test('removals, names and tags are as safe as messages', async () => {
    const session = await fill(await open(), 'a', ['1', '2', '3'])
    let left = 12
    let busy = false
    const restore = patch(
      'write',
      (write) =>
        (fd: number, bytes: Buffer, ...rest: number[]) =>
          following(write(fd, bytes, ...rest), (count) => {
            if (!busy && left-- > 0) {
              busy = true
              PROGRAMS['an editor that saves by renaming']!(session.path)
              busy = false
            }
            return count
          }),
    )
    await session.removeLast()
    await session.setName('name')
    await session.tag(['t'])
    restore()
    expect(await contents(session)).toEqual(['1', '2'])
    expect(await session.info()).toMatchObject({ name: 'name', tags: ['t'], messages: 2 })
  })
})

describe('a log that another program', () => {
  test.each(['a', 'An encoded key'])('truncated to nothing can be appended to, under its key: %j', async (key) => {
    const store = await open()
    const session = await fill(store, key, ['1', '2'])
    fs.truncateSync(session.path)
    expect(await contents(session)).toEqual([])
    expect((await session.info())?.messages).toBe(0)
    await session.append(message('3'))
    expect(await contents(session)).toEqual(['3'])
    expect((await session.info())?.messages).toBe(1)
    fs.rmSync(session.sidecarPath, { force: true })
    const again = await open(store.dir)
    expect(await again.keys()).toEqual([key])
  })

  test('truncated in the middle can be appended to', async () => {
    const session = await fill(await open(), 'a', ['1', '2', '3'])
    const bytes = fs.readFileSync(session.path)
    fs.truncateSync(session.path, bytes.lastIndexOf('"3"') - 20)
    await session.append(message('4'))
    expect(await contents(session)).toEqual(['1', '2', '4'])
    expect((await session.info())?.messages).toBe(3)
  })

  test('created in the same instant: both messages stay and are counted', async () => {
    const store = await open()
    for (const [key, when] of [
      ['a', 'before'],
      ['b', 'after'],
      ['An encoded key', 'after'],
    ] as const) {
      const session = store.session(key)
      const link = (original: Call) => (from: string, to: string) => {
        if (when === 'before') fs.appendFileSync(to, bareLine('theirs'))
        return following(original(from, to), () => {
          if (when === 'after') fs.appendFileSync(to, bareLine('theirs'))
        })
      }
      await during('link', link, () => session.append(message('mine')))
      await session.append(message('mine too'))
      expect((await contents(session)).sort()).toEqual(['mine', 'mine too', 'theirs'])
      expect((await session.info())?.messages).toBe(3)
    }
  })

  test('hammers with renames while we write: nothing acknowledged is lost, nothing is there twice', async () => {
    const store = await open()
    const session = await fill(store, 'a', ['1'])
    const random = randomOf(7)
    let busy = false
    const maybe = (chance: number) => {
      if (busy || random() > chance) return
      busy = true
      const all = Object.values(PROGRAMS).slice(0, 3)
      if (fs.existsSync(session.path)) all[Math.floor(random() * all.length)]!(session.path)
      busy = false
    }
    for (const name of ['write', 'open', 'lstat', 'fstat', 'read']) {
      patch(name, (original) => (...args) => {
        maybe(name === 'write' ? 0.3 : 0.02)
        return following(original(...args), (result) => {
          if (name === 'write') maybe(0.3)
          return result
        })
      })
    }
    const ids: string[] = []
    const rounds = SOAK ? 3_000 : 200
    for (let i = 0; i < rounds; i++) ids.push(await session.append(message(`mine ${i}`)))
    busy = true
    const messages = await session.messages()
    expect(messages.slice(1).map(({ id }) => id)).toEqual(ids)
    expect((await session.info())?.messages).toBe(rounds + 1)
  })
})

test('a file that is absent for a moment only is waited for, not created again', async () => {
  const folder = tempFolder()
  const session = await fill(await open(folder), 'a', ['1'])
  fs.renameSync(session.path, `${session.path}.away`)
  const append = session.append(message('2'))
  await sleep(10)
  fs.renameSync(`${session.path}.away`, session.path)
  await append
  expect(await contents(session)).toEqual(['1', '2'])
})

test.each(['everysec', 'always'] as const)(
  'a store that opens while a session is made keeps it from nothing: %s',
  async (fsync) => {
    const store = await open(tempFolder(), { fsync })
    const swept: string[] = []
    const sweeping = (link: Call) => (from: string, to: string) => {
      if (swept.push(from) === 1) fs.unlinkSync(from)
      return link(from, to)
    }
    await during('link', sweeping, () => store.session('a').append(message('1')))
    expect(swept).toHaveLength(2)
    expect(await contents(store.session('a'))).toEqual(['1'])
  },
)

test('a line that another program was in the middle of writing is whole', async () => {
  const session = await fill(await open(), 'a', ['1'])
  const line = bareLine(`theirs ${'x'.repeat(1_000)}`)
  fs.appendFileSync(session.path, line.slice(0, 500))
  let rest = line.slice(500)
  // the system lets a write begin when all of theirs is in the file
  patch('write', (write) => (...args: unknown[]) => {
    const left = rest
    rest = ''
    if (left !== '') fs.appendFileSync(session.path, left)
    return write(...args)
  })
  await session.append(message('2'))
  expect(await contents(session)).toEqual(['1', JSON.parse(line).content, '2'])
  expect(await session.check()).toMatchObject({ damage: [], torn: null })
})
