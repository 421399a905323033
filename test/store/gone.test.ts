/** A folder that is gone or another one is no empty store: every call rejects, and nothing makes it again. */
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { JsonlPersistence } from '../../src/contracts/persistence/index.js'
import type { SessionStore } from '../../src/index.js'
import { CAN_MOUNT, mount, onFileSystem, UNLESS_MOUNTED, unmount } from '../helpers/mount.js'
import { codeOf, contents, fill, message, open, sleep, tempFolder } from '../helpers/store.js'

/** What takes the folder away; returns what brings it back. */
const WAYS: Record<string, (folder: string) => () => void> = {
  'moved away': (folder) => {
    fs.renameSync(folder, `${folder}.away`)
    return () => fs.renameSync(`${folder}.away`, folder)
  },
  'replaced by an empty folder, as a volume that is unmounted': (folder) => {
    fs.renameSync(folder, `${folder}.away`)
    fs.mkdirSync(folder)
    return () => {
      fs.rmdirSync(folder)
      fs.renameSync(`${folder}.away`, folder)
    }
  },
  'replaced by a copy': (folder) => {
    fs.renameSync(folder, `${folder}.away`)
    fs.cpSync(`${folder}.away`, folder, { recursive: true })
    return () => {
      fs.rmSync(folder, { recursive: true })
      fs.renameSync(`${folder}.away`, folder)
    }
  },
  'behind a link that leads elsewhere by now': (folder) => {
    fs.renameSync(folder, `${folder}.away`)
    fs.symlinkSync('/nowhere', folder)
    return () => {
      fs.unlinkSync(folder)
      fs.renameSync(`${folder}.away`, folder)
    }
  },
}

const CALLS: Record<string, (store: SessionStore, key: string) => Promise<unknown>> = {
  append: (store, key) => store.session(key).append(message('lost?')),
  messages: (store, key) => store.session(key).messages(),
  tail: (store, key) => store.session(key).tail(1),
  stream: async (store, key) => {
    for await (const _ of store.session(key).stream()) return
  },
  info: (store, key) => store.session(key).info(),
  name: (store, key) => store.session(key).name(),
  state: (store, key) => store.session(key).state(),
  context: (store, key) => store.session(key).context(),
  'end of the context': (store, key) => store.session(key).context({ last: 1 }),
  check: (store, key) => store.session(key).check(),
  removed: (store, key) => store.session(key).removed(),
  remove: (store, key) => store.session(key).remove('x'),
  removeLast: (store, key) => store.session(key).removeLast(),
  rewind: (store, key) => store.session(key).rewind({ keep: 1 }),
  setName: (store, key) => store.session(key).setName('n'),
  tag: (store, key) => store.session(key).tag(['t']),
  setState: (store, key) => store.session(key).setState('running', 't'),
  receive: (store, key) => store.session(key).receive(message('x'), { ref: 'r' }),
  turn: (store, key) => store.session(key).turn(async () => 1),
  rewrite: (store, key) => store.session(key).rewrite(),
  delete: (store, key) => store.session(key).delete(),
  fork: (store, key) => store.fork(key, { as: 'copy' }),
  keys: (store) => store.keys(),
  list: (store) => store.list(),
  search: (store) => store.search('x'),
  running: (store) => store.running(),
  recover: (store) => store.recover(),
  cleanup: (store) => store.cleanup({ olderThan: 1 }),
  trash: (store) => store.trash(),
  purgeTrash: (store) => store.purgeTrash({ olderThan: 1 }),
  insertMessage: (store, key) => new JsonlPersistence(store).insertMessage(key, { role: 'user', content: 'x' }),
}

function namesIn(folder: string): string[] {
  return fs.existsSync(folder) ? fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort() : ['gone']
}

describe.each(Object.entries(WAYS))('the folder of a store, %s', (_, take) => {
  test('is an error for every call, and nothing is made in its place', async () => {
    const folder = path.join(tempFolder(), 'sessions')
    const store = await open(folder)
    await fill(store, 'used', ['1', '2'])
    await store.list()
    const bringBack = take(folder)
    const before = namesIn(folder)
    for (const key of ['used', 'never seen']) {
      for (const [name, call] of Object.entries(CALLS))
        expect([name, await codeOf(call(store, key))]).toEqual([name, 'ERR_STORE_GONE'])
    }
    expect(namesIn(folder)).toEqual(before)
    bringBack()
    await store.session('used').append(message('3'))
    expect(await contents(store.session('used'))).toEqual(['1', '2', '3'])
    expect(await store.keys()).toEqual(['used'])
  })

  test('is left alone by the closing of the store', async () => {
    const folder = path.join(tempFolder(), 'sessions')
    const store = await open(folder)
    await fill(store, 'a', ['1', '2'])
    await store.session('a').setState('running', 't')
    take(folder)
    const before = namesIn(folder)
    await codeOf(store.close())
    expect(namesIn(folder).filter((name) => !before.includes(name))).toEqual([])
    const away = fs.existsSync(`${folder}.away/a.jsonl`) ? `${folder}.away` : folder
    expect(fs.readFileSync(`${away}/a.jsonl`, 'utf8')).toContain('"content":"2"')
  })
})

test('a store that is opened before its folder is there makes it', async () => {
  const folder = path.join(tempFolder(), 'later', 'sessions')
  const store = await open(folder)
  expect(await store.keys()).toEqual([])
  await fill(store, 'a', ['1'])
  expect(await store.keys()).toEqual(['a'])
})

test('a root that was moved away is not made again by what an open store does later', async () => {
  const root = path.join(tempFolder(), 'sessions')
  const store = await open(root)
  for (let i = 0; i < 64; i++) await store.session(`${i}`).append(message('one'))
  await store.session('0').setName('n')
  await store.list()
  fs.renameSync(root, `${root}-away`)
  // the rows of the list are saved after a second, and a lease that rests is watched
  await sleep(2_500)
  expect(fs.existsSync(root)).toBe(false)
  fs.renameSync(`${root}-away`, root)
  expect(await store.keys()).toHaveLength(64)
})

test.skipIf(!CAN_MOUNT)(`a volume that is unmounted, and mounted again${UNLESS_MOUNTED}`, async () => {
  await onFileSystem('size=1m,mode=700', async (volume) => {
    const place = path.join(tempFolder(), 'mounted')
    fs.mkdirSync(place)
    mount(['--bind', volume, place])
    onTestFinished(() => unmount(place))
    const store = await open(path.join(place, 'sessions'))
    const session = await fill(store, 'a', ['one'])
    await session.setName('n')
    unmount(place)
    const calls = [
      () => session.messages(),
      () => session.append(message('lost?')),
      () => store.session('b').append(message('lost?')),
      () => session.setName('m'),
      () => session.delete(),
      () => session.rewrite(),
      () => store.keys(),
      () => store.list(),
      () => store.search('one'),
    ]
    for (const call of calls) expect(await codeOf(call()), String(call)).toBe('ERR_STORE_GONE')
    expect(fs.readdirSync(place)).toEqual([])
    mount(['--bind', volume, place])
    await session.append(message('two'))
    expect(await contents(session)).toEqual(['one', 'two'])
    expect(await store.keys()).toEqual(['a'])
    await store.close()
  })
})
