/** Logs that people and other tools named: `Alice.jsonl` is the log of the key `Alice`. */
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { nameOf } from '../../src/disk/names.js'
import type { Session, SessionError } from '../../src/index.js'
import { ended, RemoteStore } from '../helpers/child.js'
import { during } from '../helpers/file-calls.js'
import { codeOf, contents, fill, message, open, sleep, tempFolder } from '../helpers/store.js'

const LINE = '{"role":"user","content":"needle by hand"}\n'
const KEYS = ['Alice', 'slack_C042_U1', 'my chat', 'ann@example.org', 'Zoë', '会话', '+49 170 1234', 'x'.repeat(120)]

function folderOf(files: Record<string, string>): string {
  const dir = tempFolder()
  for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(dir, file), text, { mode: 0o600 })
  return dir
}

const files = (dir: string) => fs.readdirSync(dir).filter((file) => !file.startsWith('.'))

describe('a log that another tool named', () => {
  test.each(KEYS)('%s: is listed, read, found and written under its file name', async (key) => {
    const dir = folderOf({ [`${key}.jsonl`]: LINE })
    const store = await open(dir)
    expect(await contents(store.session(key))).toEqual(['needle by hand'])
    expect(await store.keys()).toEqual([key])
    expect(await store.list()).toMatchObject([{ key, messages: 1 }])
    expect(await store.search('needle')).toMatchObject([{ key }])
    await store.session(key).append(message('more'))
    await store.session(key).setName('n')
    await store.session(key).removeLast()
    await store.session(key).rewrite()
    expect((await store.check()).findings).toEqual([])
    await store.close()
    expect(files(dir).sort()).toEqual([`${key}.jsonl`, `${key}.meta.json`].sort())
    const next = await open(dir)
    expect(await next.list()).toMatchObject([{ key, name: 'n', messages: 1 }])
    expect(await contents(next.session(key))).toEqual(['needle by hand'])
  })

  test('is read and written on a network drive too, and put into the trash and restored there', async () => {
    const dir = folderOf({ 'Alice.jsonl': LINE })
    const store = await open(dir, { network: true })
    await store.session('Alice').append(message('more'))
    await store.session('Alice').trash()
    const [trashed] = await store.trash()
    await store.restore(trashed!.id)
    expect(await contents(store.session('Alice'))).toEqual(['needle by hand', 'more'])
    expect(files(dir)).toContain('Alice.jsonl')
  })

  test('is forked, put into the trash and restored by another process, and deleted', async () => {
    const dir = folderOf({ 'Alice.jsonl': LINE })
    const store = await open(dir)
    const copy = await store.fork('Alice', { as: 'Bob' })
    expect(path.basename(copy.path)).toBe(`${nameOf('Bob')}.jsonl`)
    await store.session('Alice').trash()
    expect(await store.keys()).toEqual(['Bob'])
    await store.close()
    const other = await open(dir)
    const [trashed] = await other.trash()
    expect(trashed).toMatchObject({ key: 'Alice' })
    expect(await other.session('Alice').exists()).toBe(false)
    expect(await other.restore(trashed!.id)).toBe('Alice')
    expect(files(dir)).toContain('Alice.jsonl')
    expect(await contents(other.session('Alice'))).toEqual(['needle by hand'])
    expect(await other.session('Alice').delete()).toBe(true)
    expect(await other.keys()).toEqual(['Bob'])
  })

  test('is not restored over a session that was made meanwhile', async () => {
    const dir = folderOf({ 'Alice.jsonl': LINE })
    const store = await open(dir)
    await store.session('Alice').trash()
    await store.close()
    const other = await open(dir)
    await other.session('Alice').append(message('new'))
    const [trashed] = await other.trash()
    expect(await codeOf(other.restore(trashed!.id))).toBe('ERR_SESSION_EXISTS')
  })

  test('is seen when it comes while the store is open', async () => {
    const dir = tempFolder()
    const store = await open(dir)
    expect(await store.session('Alice').exists()).toBe(false)
    const held = store.session('Alice')
    fs.mkdirSync(dir, { recursive: true })
    fs.writeFileSync(path.join(dir, 'Alice.jsonl'), LINE)
    expect(await codeOf(held.append(message('x')))).toBe('ERR_LOG_AMBIGUOUS')
    expect(await contents(store.session('Alice'))).toEqual(['needle by hand'])
    await store.session('Alice').append(message('x'))
    expect(files(dir)).toEqual(['Alice.jsonl'])
  })

  test('comes into lists and goes from them while a store is open, as it is renamed by hand', async () => {
    const dir = folderOf({ 'b.jsonl': LINE })
    const store = await open(dir)
    const listed = async () => (await store.list()).map(({ key }) => key).sort()
    // the second list on events of the system
    for (let i = 0; i < 2; i++) expect(await listed()).toEqual(['b'])
    fs.writeFileSync(path.join(dir, 'Alice.jsonl'), LINE)
    expect(await listed()).toEqual(['Alice', 'b'])
    await store.session('Alice').setName('n')
    fs.renameSync(path.join(dir, 'Alice.jsonl'), path.join(dir, 'Bob.jsonl'))
    expect(await listed()).toEqual(['Bob', 'b'])
    expect(await store.session('Alice').exists()).toBe(false)
    expect(await store.session('Bob').name()).toBe('n')
  })

  test('is in the saved list of many, which does not decide which log a key has', async () => {
    const keys = Array.from({ length: 70 }, (_, i) => `Chat ${i}`)
    const dir = folderOf(Object.fromEntries(keys.map((key) => [`${key}.jsonl`, LINE])))
    // changes within the tick of the clock of files are not saved
    for (const key of keys) fs.utimesSync(path.join(dir, `${key}.jsonl`), 1e9, 1e9)
    const first = await open(dir)
    expect(await first.list()).toHaveLength(70)
    await first.close()
    expect(fs.readdirSync(path.join(dir, '.index'))).toContain('list-2')
    fs.renameSync(path.join(dir, 'Chat 0.jsonl'), path.join(dir, `${nameOf('Chat 0')}.jsonl`))
    fs.appendFileSync(path.join(dir, `${nameOf('Chat 0')}.jsonl`), '{"type":"session","version":1,"key":"Chat 0"}\n')
    const second = await open(dir)
    expect((await second.list()).map(({ key }) => key).sort()).toEqual([...keys].sort())
    expect(await contents(second.session('Chat 0'))).toEqual(['needle by hand'])
  })

  test('is one of its conflict copies too, and its sidecar goes with it', async () => {
    const dir = folderOf({ 'Alice.jsonl': LINE })
    const store = await open(dir)
    await store.session('Alice').setName('n')
    fs.writeFileSync(path.join(dir, 'Alice (conflicted copy).jsonl'), LINE.replace('needle', 'other'))
    expect(await store.merge(path.join(dir, 'Alice (conflicted copy).jsonl'))).toMatchObject({ key: 'Alice', added: 1 })
    await store.close()
    fs.rmSync(path.join(dir, 'Alice.jsonl'))
    const foreign = { 'Photo.meta.json': '{}', 'Other.meta.json': '{"key":"x"}' }
    for (const [file, text] of Object.entries(foreign)) fs.writeFileSync(path.join(dir, file), text)
    const other = await open(dir)
    await other.recover({ action: 'idle' })
    await other.check({ fix: true })
    expect(files(dir)).toEqual(Object.keys(foreign).sort())
  })

  test('is left unchanged where no line is one of ours', async () => {
    const dir = folderOf({ 'My Inbox.jsonl': '{"from":"ann"}\n{"from":"bob"}\n' })
    const store = await open(dir)
    expect(await codeOf(store.session('My Inbox').append(message('x')))).toBe('ERR_NOT_A_LOG')
    expect((await store.check()).findings).toMatchObject([{ kind: 'foreign-file', key: 'My Inbox' }])
  })
})

describe('two logs of one key', () => {
  const OWN = `${nameOf('Alice')}.jsonl`
  const both = () =>
    folderOf({ [OWN]: `{"type":"session","version":1,"key":"Alice"}\n${LINE}`, 'Alice.jsonl': LINE, 'b.jsonl': LINE })
  const VERBS: Record<string, (session: Session) => unknown> = {
    append: (session) => session.append(message('x')),
    messages: (session) => session.messages(),
    'messages from the end': (session) => session.messages({ last: 1 }),
    entries: async (session) => {
      for await (const _ of session.entries()) break
    },
    context: (session) => session.context(),
    info: (session) => session.info(),
    exists: (session) => session.exists(),
    setName: (session) => session.setName('n'),
    setValue: (session) => session.setValue('n', 1),
    getValue: (session) => session.getValue('n'),
    state: (session) => session.state(),
    turn: (session) => session.turn(message('x'), async () => {}),
    removeLast: (session) => session.removeLast(),
    rewrite: (session) => session.rewrite(),
    usage: (session) => session.usage(),
    trash: (session) => session.trash(),
    delete: (session) => session.delete(),
  }

  test.each(Object.keys(VERBS))('%s rejects, names both and changes neither', async (verb) => {
    const dir = both()
    const store = await open(dir, { onError: () => {} })
    const error = (await Promise.resolve(VERBS[verb]!(store.session('Alice'))).catch((error) => error)) as SessionError
    expect(error).toMatchObject({ code: 'ERR_LOG_AMBIGUOUS', details: { key: 'Alice' } })
    const named = (error.details as { files: string[] }).files.map((file) => path.basename(file))
    expect(named.sort()).toEqual(['Alice.jsonl', OWN])
    expect(fs.readFileSync(path.join(dir, 'Alice.jsonl'), 'utf8')).toBe(LINE)
    expect(fs.readFileSync(path.join(dir, OWN), 'utf8')).toContain(LINE)
  })

  test('reject in a session that was in use before the second one came, until one is gone', async () => {
    const dir = tempFolder()
    const store = await open(dir)
    const session = await fill(store, 'Alice', ['1'])
    fs.writeFileSync(path.join(dir, 'Alice.jsonl'), LINE)
    expect(await codeOf(session.messages())).toBe('ERR_LOG_AMBIGUOUS')
    fs.rmSync(path.join(dir, 'Alice.jsonl'))
    await session.append(message('3'))
    expect(await contents(session)).toEqual(['1', '3'])
  })

  test.each([
    ['the one of its own', OWN, 'Alice.jsonl'],
    ['the other', 'Alice.jsonl', OWN],
  ])('are one again when %s is gone, in whichever the session was used', async (_, gone, kept) => {
    for (const first of [gone, kept]) {
      const dir = folderOf({ [first]: LINE })
      const store = await open(dir)
      await store.session('Alice').append(message('used'))
      fs.writeFileSync(path.join(dir, first === gone ? kept : gone), LINE)
      expect(await codeOf(store.session('Alice').messages())).toBe('ERR_LOG_AMBIGUOUS')
      fs.rmSync(path.join(dir, gone))
      expect(await contents(store.session('Alice'))).toContain('needle by hand')
      expect(path.basename(store.session('Alice').path)).toBe(kept)
      await store.session('Alice').delete()
      await store.session('Alice').append(message('new'))
      expect(await contents(store.session('Alice'))).toEqual(['new'])
    }
  })

  test('are reported by lists, searches and check; no other session is kept from working', async () => {
    const errors: unknown[] = []
    const store = await open(both(), { onError: (error) => errors.push(error) })
    expect((await store.list()).map(({ key }) => key).sort()).toEqual(['Alice', 'b'])
    expect(errors).toMatchObject([{ code: 'ERR_LOG_AMBIGUOUS' }])
    expect((await store.search('needle')).map(({ key }) => key)).toContain('b')
    expect((await store.check()).failed).toMatchObject([{ key: 'Alice', error: { code: 'ERR_LOG_AMBIGUOUS' } }])
    await sleep(2)
    expect(await store.cleanup({ olderThan: 0 })).toMatchObject({ removed: ['b'], failed: [{ key: 'Alice' }] })
  })

  test('keep no store from opening, and no other turn of a dead process from being found', async () => {
    const dir = tempFolder()
    const remote = await RemoteStore.open(dir)
    for (const key of ['Alice', 'b']) await remote.call('setState', key, 'running', 't')
    remote.kill('SIGKILL')
    await ended(remote.child)
    fs.writeFileSync(path.join(dir, 'Alice.jsonl'), LINE)
    const store = await open(dir, { onError: () => {} })
    expect((await store.recover({ action: 'idle' })).runs.map(({ key }) => key)).toEqual(['b'])
  })
})

describe('a drive that ignores case', () => {
  test.each(['Alice', 'My Chat'])('has one file for two keys: it is that of the lower one', async (name) => {
    const dir = folderOf({ [`${name}.jsonl`]: LINE })
    // what such a drive does
    fs.linkSync(path.join(dir, `${name}.jsonl`), path.join(dir, `${name.toLowerCase()}.jsonl`))
    const store = await open(dir)
    expect(await store.keys()).toEqual([name.toLowerCase()])
    expect(await contents(store.session(name.toLowerCase()))).toEqual(['needle by hand'])
    expect(path.basename(store.session(name).path)).toBe(`${nameOf(name)}.jsonl`)
    expect(await contents(store.session(name))).toEqual([])
  })
})

describe('what is no such log', () => {
  test('conflict copies, links, folders, and names that systems or this store use otherwise', async () => {
    const dir = tempFolder()
    const names = ['a.sync-conflict-20261125-101010-ABCDEFG', "Ann (Bob's conflicted copy 2026-11-25)", 'a~b', 'CON']
    names.push(' x', 'x ', '-X', 'X.', 'a\nB', '\u202eX', 'e\u0301', 'X'.repeat(151), 'a:B', 'A\\B')
    for (const name of names) fs.writeFileSync(path.join(dir, `${name}.jsonl`), LINE)
    fs.mkdirSync(path.join(dir, 'Folder.jsonl'))
    fs.symlinkSync('/etc/hostname', path.join(dir, 'Link.jsonl'))
    const store = await open(dir, { onError: () => {} })
    expect(await store.keys()).toEqual([])
    for (const key of [...names, 'Folder', 'Link']) {
      await store.session(key).append(message('mine'))
      expect(path.basename(store.session(key).path), key).toBe(`${nameOf(key)}.jsonl`)
    }
    for (const name of names) expect(fs.readFileSync(path.join(dir, `${name}.jsonl`), 'utf8')).toBe(LINE)
  })
})

test('an append to a session under its encoded name looks for no other file', async () => {
  const store = await open()
  await store.session('Alice').append(message('1'))
  await store.session('Alice').append(message('2'))
  const looked: string[] = []
  const noting = (call: (...args: unknown[]) => unknown) =>
    ((...args: unknown[]) => {
      looked.push(path.basename(String(args[0])))
      return call(...args)
    }) as never
  await during('lstat', noting as never, () => store.session('Alice').append(message('3')))
  expect(looked).not.toContain('Alice.jsonl')
})
