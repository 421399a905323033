import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { messageOf, start } from '../../helpers/child.js'
import { ending, following, patch, systemError } from '../../helpers/file-calls.js'
import {
  bareLine,
  codeOf,
  contents,
  filesIn,
  fill,
  message,
  open,
  quarantined,
  SOAK,
  tempFolder,
} from '../../helpers/store.js'

/** A session with something to take out. */
async function untidy() {
  const folder = tempFolder()
  const store = await open(folder)
  const session = await fill(store, 'a', ['1', '2', '3'])
  await session.removeLast()
  return { folder, store, session }
}

describe('a rewrite', () => {
  test('removes what no reader sees, and changes nothing that readers see', async () => {
    const { session, store } = await untidy()
    await session.setName('name')
    await session.setState('running', 't')
    const [messages, info] = [await session.messages(), await session.info()]
    const result = await session.rewrite()
    expect(result).toMatchObject({ quarantined: 0 })
    expect(result?.dropped).toBeGreaterThan(0)
    expect(await session.messages()).toEqual(messages)
    expect(await session.info()).toEqual({ ...info, bytes: fs.statSync(session.path).size })
    const again = await open(store.dir)
    expect(await again.session('a').messages()).toEqual(messages)
    expect(await again.list()).toEqual([await session.info()])
  })

  test('with nothing to take out touches nothing', async () => {
    const { session, folder } = await untidy()
    await session.rewrite()
    const before = fs.statSync(session.path)
    expect(await session.rewrite()).toBe(null)
    expect(fs.statSync(session.path)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs, size: before.size })
    expect(filesIn(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  test('copies the bytes of the lines that stay', async () => {
    const { session } = await untidy()
    const odd =
      '{ "role" : "user", "n":1.0, "big":12345678901234567890, "u":"\\u0041\\/", "a":1, "a":2, "10":1, "2":2, "id":"x", "at":"2026-11-25T00:00:00.000Z" }\r\n'
    fs.appendFileSync(session.path, odd)
    await session.rewrite()
    expect(fs.readFileSync(session.path, 'utf8')).toContain(odd)
  })

  test('quarantines every unreadable byte first, exactly', async () => {
    const { session, folder } = await untidy()
    const bad = [
      Buffer.from([0xff, 0xfe, 0x0a]),
      Buffer.from('{"half\n'),
      Buffer.from('[1,2]\n'),
      Buffer.alloc(3_000_000, 0xfe),
    ]
    const at: number[] = []
    for (const bytes of bad) {
      at.push(fs.statSync(session.path).size)
      fs.appendFileSync(session.path, bytes)
      if (bytes !== bad[3]) fs.appendFileSync(session.path, bareLine('between'))
    }
    const before = await contents(session)
    expect((await session.rewrite())?.quarantined).toBe(4)
    const found = quarantined(folder, 'a')
    expect(found.map((bytes, i) => bytes.equals(bad[i]!))).toEqual([true, true, true, true])
    const names = fs.readdirSync(`${folder}/.quarantine/a`).map((name) => Number.parseInt(name, 10))
    expect(names.sort((a, b) => a - b)).toEqual(at)
    expect(await contents(session)).toEqual(before)
    expect(await session.check()).toMatchObject({ damage: [], torn: null })
    expect(await session.rewrite()).toBe(null)
  })

  test('that cannot save what it would drop leaves the log alone', async () => {
    const { session, folder } = await untidy()
    fs.appendFileSync(session.path, 'damage\n')
    const before = fs.readFileSync(session.path)
    fs.writeFileSync(`${folder}/.quarantine`, 'in the way')
    expect(await codeOf(session.rewrite())).not.toBe(undefined)
    expect(fs.readFileSync(session.path).equals(before)).toBe(true)
  })
})

describe('lines that come while a log is rewritten', () => {
  /** Runs `act` at each moment of a rewrite that file calls mark, once per rewrite. */
  async function atEveryMoment(
    act: (file: string, moment: number) => void,
    judge: (texts: unknown[], call: string, lastCalls: string[]) => void,
  ) {
    for (let moment = 1; moment < 200; moment++) {
      const { session } = await untidy()
      fs.appendFileSync(session.path, 'damage\n')
      let count = 0
      let call = ''
      // what is asked about the log from that moment until another file takes its name
      const lastCalls: string[] = []
      let isReplaced = false
      const restores = ['open', 'write', 'fsync', 'rename', 'lstat', 'fstat', 'read'].map((name) =>
        patch(name, (original) => (...args) => {
          const now = ++count === moment
          if (now) call = `${name} ${moment}`
          if (call !== '' && !isReplaced && args.includes(session.path)) lastCalls.push(name)
          isReplaced ||= name === 'rename' && args[1] === session.path
          // before the call in every second moment, after it in the others
          if (now && moment % 2 === 0) act(session.path, moment)
          return ending(
            () => original(...args),
            () => {
              if (now && moment % 2 === 1) act(session.path, moment)
            },
          )
        }),
      )
      let error: unknown
      try {
        await session.rewrite()
      } catch (thrown) {
        error = thrown
      } finally {
        for (const restore of restores) restore()
      }
      if (call === '') return moment
      expect(error, call).toBe(undefined)
      await session.append(message('after'))
      judge(await contents(session), call, lastCalls)
      expect((await session.info())?.messages, call).toBe((await contents(session)).length)
    }
    return 200
  }

  test('by a writer without a lease are all kept, at any moment', async () => {
    const moments = await atEveryMoment(
      (file) => fs.appendFileSync(file, bareLine('late')),
      (texts, call) => expect([...texts].sort(), call).toEqual(['1', '2', 'after', 'late']),
    )
    expect(moments).toBeGreaterThan(20)
  })

  test('by an editor that saves by renaming are all kept, at any moment', async () => {
    const losses: string[][] = []
    await atEveryMoment(
      (file) => {
        if (!fs.existsSync(file)) return
        fs.writeFileSync(`${file}.new`, fs.readFileSync(file, 'utf8') + bareLine('late'))
        fs.renameSync(`${file}.new`, file)
      },
      (texts, call, lastCalls) => {
        if (!texts.includes('late')) losses.push([call, ...lastCalls])
        expect(texts.filter((text) => text !== 'late').sort(), call).toEqual(['1', '2', 'after'])
      },
    )
    // between the last check and the rename there is a moment that no check covers; calls of other
    // sessions come between now and then, so that more than one round can meet it
    expect(losses.filter(([, ...lastCalls]) => !/^(lstat,)?rename$/.test(lastCalls.join()))).toEqual([])
  })

  test('are no part of what it dropped', async () => {
    const { session } = await untidy()
    const late = `${JSON.stringify({ ...message('a longer line that is late'), id: 'late', at: '2026-11-25T00:00:00.000Z' })}\n`
    const before = fs.statSync(session.path).size
    patch('rename', (rename) => (from: string, to: string) => {
      if (to === session.path) fs.appendFileSync(to, late)
      return rename(from, to)
    })
    const result = await session.rewrite()
    expect((await contents(session)).sort()).toEqual(['1', '2', 'a longer line that is late'])
    expect(result?.dropped).toBe(before + late.length - fs.statSync(session.path).size)
    expect(result?.dropped).toBeGreaterThan(0)
  })

  test('late ones, and ones that reach the new file before these are copied', async () => {
    const { session } = await untidy()
    patch('rename', (rename) => (from: string, to: string) => {
      if (to === session.path) fs.appendFileSync(to, bareLine('late'))
      return following(rename(from, to), () => {
        if (to === session.path) fs.appendFileSync(to, bareLine('a longer line that is later still'))
      })
    })
    await session.rewrite()
    expect((await contents(session)).sort()).toEqual(['1', '2', 'a longer line that is later still', 'late'])
    expect(await session.check()).toMatchObject({ damage: [], torn: null })
  })

  test('are kept when the folder cannot be synced', async () => {
    const { session } = await untidy()
    const restore = patch('rename', (rename) => (from: string, to: string) => {
      if (to === session.path) fs.appendFileSync(to, bareLine('late'))
      return rename(from, to)
    })
    const restoreSync = patch('fsync', (sync) => (fd: number) => {
      if (fs.fstatSync(fd).isDirectory()) throw systemError('EIO')
      return sync(fd)
    })
    await codeOf(session.rewrite())
    restore()
    restoreSync()
    expect(await contents(session)).toEqual(['1', '2', 'late'])
  })

  test('in this process wait and come after', async () => {
    const { session, store } = await untidy()
    const other = (await open(store.dir)).session('a')
    const results = await Promise.all([
      session.rewrite(),
      ...Array.from({ length: 20 }, (_, i) => (i % 2 ? session : other).append(message(`late ${i}`))),
      session.rewrite(),
    ])
    expect(results).toHaveLength(22)
    expect((await contents(session)).length).toBe(22)
    expect((await session.info())?.messages).toBe(22)
  })
})

describe('a rewrite that fails', () => {
  test.each(['ENOSPC', 'EIO', 'EROFS', 'EACCES'])(
    '%s: the old log, no temporary file, and the next one works',
    async (code) => {
      for (const name of ['open', 'write', 'fsync', 'rename']) {
        const { session, folder } = await untidy()
        const before = fs.readFileSync(session.path)
        let fired = false
        const restore = patch(name, (original) => (...args) => {
          const isOurs = name === 'open' || name === 'rename' ? String(args[0]).endsWith('.tmp') : true
          if (!isOurs || fired) return original(...args)
          fired = true
          throw systemError(code)
        })
        expect(await codeOf(session.rewrite()), name).toBe(code)
        restore()
        expect(fs.readFileSync(session.path).equals(before), name).toBe(true)
        expect(filesIn(folder).filter((file) => file.endsWith('.tmp'))).toEqual([])
        expect(await session.rewrite()).not.toBe(null)
        expect(await contents(session)).toEqual(['1', '2'])
      }
    },
  )
})

test('a large log is rewritten and read in constant memory', async () => {
  const megabytes = SOAK ? 400 : 25
  const folder = tempFolder()
  const child = start('large-rewrite.mjs', [folder, String(megabytes)], ['prlimit', '--core=0'])
  const report = await messageOf<{ grown: number; messages: number; counted: number; ms: number }>(child)
  if (SOAK) console.log(`rewrite of ${megabytes} MB: ${report.grown} MB more memory, ${report.ms} ms`)
  expect(report.counted).toBe(report.messages)
  expect(report.grown).toBeLessThan(100)
}, 120_000)
