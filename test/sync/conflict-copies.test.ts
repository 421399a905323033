import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { nameOf, nameOfConflictCopy, nameOfLog } from '../../src/disk/names.js'
import { openStore } from '../../src/index.js'
import { contents, fill, message, open, tempFolder } from '../helpers/store.js'
import { cli } from './machines.js'

const SYNCTHING = '.sync-conflict-20261121-073217-ZMMT233'

/** A folder with a session, and a conflict copy with a past of its own. */
async function withCopy(ending: string, key = 'ann') {
  const root = path.join(tempFolder(), 'sessions')
  const store = await openStore(root)
  const session = await fill(store, key, ['both'])
  const copy = session.path.replace(/\.jsonl$/, `${ending}.jsonl`)
  const other = path.join(tempFolder(), path.basename(session.path))
  fs.copyFileSync(session.path, other)
  await session.append(message('here'))
  await store.close()
  const elsewhere = await openStore(path.dirname(other))
  await elsewhere.session(key).append(message('there'))
  await elsewhere.close()
  fs.copyFileSync(other, copy)
  return { root, copy, key, log: session.path }
}

describe('a conflict copy', () => {
  test('is known by its name, and is no session', () => {
    const ofAnn = ['', ' (conflicted copy 2018-04-10 093612)', " (Ann's conflicted copy 2026-11-21)", SYNCTHING]
    ofAnn.push(`${SYNCTHING}${SYNCTHING}`, '.sync-conflict-20261121-073217-2345672')
    for (const ending of ofAnn) {
      const file = `ann${ending}.jsonl`
      expect([file, nameOfConflictCopy(file)]).toEqual([file, ending === '' ? undefined : 'ann'])
      expect([file, nameOfLog(file)]).toEqual([file, ending === '' ? 'ann' : undefined])
    }
    for (const file of ['ann.sync-conflict.jsonl', 'ann (copy).jsonl', `ann${SYNCTHING}.txt`]) {
      expect([file, nameOfConflictCopy(file)]).toEqual([file, undefined])
    }
    expect(nameOfConflictCopy(`Ann${SYNCTHING}.jsonl`)).toBe('Ann')
  })

  test('of a key that looks like one is distinguished from the session of that key', async () => {
    const key = 'ann.sync-conflict-20261121-073217-2345672'
    expect(nameOf(key)).toMatch(/~[0-9a-f]{32}$/)
    const store = await open()
    await fill(store, key, ['hi'])
    expect(await store.keys()).toEqual([key])
    expect((await store.keys()).map((each) => nameOfConflictCopy(`${nameOf(each)}.jsonl`))).toEqual([undefined])
  })

  test('is found by check', async () => {
    const { root, copy } = await withCopy(SYNCTHING)
    const { code, out } = cli(root, 'check')
    expect(code).toBe(1)
    expect(out).toContain(`${path.basename(copy)}: a conflict copy of ann`)
    expect(out).toContain('1 session, 2 messages, no damage')
  })

  test.each([SYNCTHING, " (Ann's conflicted copy 2026-11-21)"])('is merged, and set aside: %s', async (ending) => {
    const { root, copy, key } = await withCopy(ending)
    const bytes = fs.readFileSync(copy)
    const { code, out } = cli(root, 'merge', copy)
    expect([code, out]).toEqual([0, 'ann: 1 line came in\n'])
    expect(await contents((await open(root)).session(key))).toEqual(['both', 'here', 'there'])
    expect(fs.existsSync(copy)).toBe(false)
    expect(fs.readFileSync(path.join(root, '.quarantine', 'ann', path.basename(copy)))).toEqual(bytes)
    expect(cli(root, 'check').code).toBe(0)
  })

  test('of a key that is no file name finds its session', async () => {
    const { root, copy, key } = await withCopy(SYNCTHING, 'Telegram: Ann')
    expect(cli(root, 'merge', copy).out).toBe('Telegram: Ann: 1 line came in\n')
    expect(await contents((await open(root)).session(key))).toEqual(['both', 'here', 'there'])
  })

  test('merged on two machines gives the same bytes on both', async () => {
    const { root, copy, log } = await withCopy(SYNCTHING)
    const other = path.join(tempFolder(), 'sessions')
    fs.mkdirSync(other)
    // there, the copy has won and the log is the copy
    fs.copyFileSync(copy, path.join(other, 'ann.jsonl'))
    fs.copyFileSync(log, path.join(other, path.basename(copy)))
    for (const folder of [root, other])
      expect(cli(folder, 'merge', path.join(folder, path.basename(copy))).code).toBe(0)
    expect(fs.readFileSync(path.join(other, 'ann.jsonl'))).toEqual(fs.readFileSync(log))
  })

  test('from another folder is merged into --into, and stays where it is', async () => {
    const { root, copy, key } = await withCopy(SYNCTHING)
    const elsewhere = path.join(tempFolder(), 'My Backup.jsonl')
    fs.renameSync(copy, elsewhere)
    expect(cli(root, 'merge', elsewhere).code).toBe(1)
    expect(cli(root, 'merge', elsewhere, '--into', key).code).toBe(0)
    expect(cli(root, 'merge', elsewhere, '--into', 'new').out).toBe('new: 3 lines came in\n')
    expect(cli(root, 'merge', elsewhere, '--into', 'Not A Name').out).toBe('Not A Name: 3 lines came in\n')
    expect(await (await open(root)).keys()).toEqual(['Not A Name', 'ann', 'new'])
    expect(fs.existsSync(elsewhere)).toBe(true)
    const incoming = path.join(tempFolder(), 'ann.jsonl')
    fs.renameSync(elsewhere, incoming)
    expect(cli(root, 'merge', incoming).out).toBe('ann: nothing new\n')
    expect(cli(root, 'merge', path.join(root, 'ann.jsonl'), '--into', key).code).toBe(1)
  })
})

describe('session.merge', () => {
  test('only appends where the new lines are the last', async () => {
    const { root, copy, key, log } = await withCopy(SYNCTHING)
    const before = { inode: fs.statSync(log).ino, bytes: fs.readFileSync(log, 'utf8') }
    const store = await open(root)
    expect(await store.session(key).merge(copy)).toEqual({ added: 1, contradictions: [] })
    expect(fs.statSync(log).ino).toBe(before.inode)
    expect(fs.readFileSync(log, 'utf8').startsWith(before.bytes)).toBe(true)
    expect(await store.session(key).merge(copy)).toEqual({ added: 0, contradictions: [] })
    await store.session(key).append(message('and on'))
    expect(await contents(store.session(key))).toEqual(['both', 'here', 'there', 'and on'])
  })

  test('puts earlier lines in their place, and quarantines a torn tail', async () => {
    const { root, copy, key, log } = await withCopy(SYNCTHING)
    const ours = fs.readFileSync(log)
    fs.copyFileSync(copy, log)
    fs.appendFileSync(log, '{"id":"torn')
    fs.writeFileSync(copy, ours)
    const store = await open(root)
    await store.session(key).merge(copy)
    expect(await contents(store.session(key))).toEqual(['both', 'here', 'there'])
    expect((await store.session(key).check())?.damage).toEqual([])
    const aside = fs.readdirSync(path.join(root, '.quarantine', 'ann'))
    expect(aside.map((name) => fs.readFileSync(path.join(root, '.quarantine', 'ann', name), 'utf8'))).toEqual([
      '{"id":"torn',
    ])
  })

  test('rejects a file that is not there, and a log of a newer format', async () => {
    const store = await open()
    const ann = await fill(store, 'ann', ['hi'])
    await expect(ann.merge(path.join(store.dir, 'none'))).rejects.toMatchObject({ code: 'ENOENT' })
    const newer = path.join(tempFolder(), 'newer.jsonl')
    fs.writeFileSync(newer, '{"type":"session","version":2,"key":"ann"}\n')
    await expect(ann.merge(newer)).rejects.toMatchObject({ code: 'ERR_VERSION_UNSUPPORTED' })
    expect(await contents(ann)).toEqual(['hi'])
  })
})
