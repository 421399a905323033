import { appendFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { nameOf } from '../../src/disk/names.js'
import { openStore, type Session } from '../../src/index.js'
import { folder, run, runAll } from './run.js'

// Every test starts a few processes, on machines that are busy with other tests.
vi.setConfig({ testTimeout: 60_000 })

const HOSTILE = 'evil\x1b[2J\u202e\n'

let root: string

beforeEach(async () => {
  root = join(await folder(), 'sessions')
})

const cli = (...args: string[]) => run([...args, '--root', root])
const bytes = (key: string) => readFile(join(root, `${key}.jsonl`))

async function inSession<T>(key: string, work: (session: Session) => Promise<T>): Promise<T> {
  const store = await openStore(root)
  try {
    return await work(store.session(key))
  } finally {
    await store.close()
  }
}

/** A session of these texts; returns the ids of its messages. */
const fill = (key: string, ...texts: string[]) =>
  inSession(key, (session) => session.append(texts.map((content) => ({ role: 'user', content }))))
const texts = (key: string) =>
  inSession(key, async (session) => (await session.messages()).map(({ content }) => content))

test('wrong usage is 2, one line on stderr', async () => {
  const all = [
    ['fork'],
    ['fork', 'a', '--last', 'x'],
    ['fork', 'a', '--at', ''],
    ['rewind', 'a'],
    ['rewind', 'a', '--to', 'x', '--keep', '1'],
    ['rewind', 'a', '--keep', '-1'],
    ['restore', 'a'],
    ['tag', 'a'],
    ['untag', 'a'],
    ['rename', 'a'],
    ['show', 'a', '--removed', '--last', '1'],
    ['show', 'a', '--removed', '--context'],
  ]
  const results = await runAll(all.map((args) => [...args, '--root', root]))
  results.forEach(({ code, out, err }, i) => {
    expect([all[i], code, out]).toEqual([all[i], 2, ''])
    expect(err).toMatch(/^jsonl-sessions: [^\n]+\n$/)
  })
})

test('a session, a message or a folder that is not there is 3, and nothing is made', async () => {
  const [id] = await fill('ann', 'a', 'b')
  const before = await bytes('ann')
  for (const args of [
    ['fork', 'nobody'],
    ['rewind', 'nobody', '--keep', '0'],
    ['restore', 'nobody', 'x'],
    ['tag', 'nobody', 't'],
    ['untag', 'nobody', 't'],
    ['rename', 'nobody', 'n'],
    ['show', 'nobody', '--removed'],
    ['fork', 'ann', '--at', 'nothing'],
    ['rewind', 'ann', '--to', 'nothing'],
    ['rewind', 'ann', '--to', 'nothing', '--dry-run'],
    ['restore', 'ann', id as string],
  ]) {
    const { code, out, err } = await cli(...args)
    expect([args, code, out]).toEqual([args, 3, ''])
    expect(err).toMatch(/^jsonl-sessions: [^\n]+\n$/)
  }
  expect(await bytes('ann')).toEqual(before)
  expect(JSON.parse((await cli('list', '--json')).out).total).toBe(1)
  const missing = await run(['fork', 'a', '--root', join(root, 'none')])
  expect([missing.code, missing.err.includes('ENOENT')]).toEqual([3, true])
})

describe('fork', () => {
  test('copies all, up to a message, or the last ones', async () => {
    const ids = await fill('ann', 'a', 'b', 'c')
    const before = await bytes('ann')
    const keyOf = async (...args: string[]) => JSON.parse((await cli('fork', 'ann', '--json', ...args)).out).key
    expect(await texts(await keyOf())).toEqual(['a', 'b', 'c'])
    expect(await texts(await keyOf('--at', ids[1] as string))).toEqual(['a', 'b'])
    expect(await texts(await keyOf('--last', '1'))).toEqual(['c'])
    expect(await bytes('ann')).toEqual(before)
  })

  test('says what it made, and names it', async () => {
    await fill('ann', 'a')
    const { code, out, err } = await cli('fork', 'an', '--name', HOSTILE)
    expect([code, err]).toEqual([0, ''])
    const [, key] = /^ann: 1 message copied to (\S+)\n$/.exec(out) as RegExpExecArray
    expect(await inSession(key as string, (session) => session.name())).toBe(HOSTILE)
    const json = await cli('fork', 'ann', '--name', HOSTILE, '--json')
    expect(JSON.parse(json.out)).toMatchObject({ root, forkedFrom: 'ann', name: HOSTILE, messages: 1 })
    expect(json.out).not.toMatch(/[\x00-\x09\x0b-\x1f\u202e]/)
  })
})

describe('rewind and restore', () => {
  test('a rewind is undone by the command that it prints', async () => {
    const ids = await fill('ann', 'a', 'b', 'c')
    const { code, out, err } = await cli('rewind', 'ann', '--to', ids[0] as string)
    expect([code, out]).toEqual([0, 'ann: removed 2 messages\n'])
    expect(err).toBe(`to undo: jsonl-sessions restore ann ${ids[1]} ${ids[2]}\n`)
    expect(await texts('ann')).toEqual(['a'])
    expect(await cli('restore', 'ann', ids[1] as string, ids[2] as string)).toEqual({
      code: 0,
      out: 'ann: 2 messages restored, at the end\n',
      err: '',
    })
    expect(await texts('ann')).toEqual(['a', 'b', 'c'])
  })

  test('--dry-run writes nothing; --json prints the ids', async () => {
    const ids = await fill('ann', ...Array.from({ length: 13 }, (_, i) => `${i}`))
    const before = await bytes('ann')
    expect((await cli('rewind', 'ann', '--keep', '1', '--dry-run')).out).toBe('ann: would remove 12 messages\n')
    expect((await cli('rewind', 'ann', '--keep', '99', '--dry-run')).out).toBe('ann: nothing to remove\n')
    const dry = await cli('rewind', 'ann', '--keep', '1', '--dry-run', '--json')
    expect(JSON.parse(dry.out)).toEqual({ root, key: 'ann', wouldRemove: 12 })
    expect((await cli('rewind', 'ann', '--keep', '13')).out).toBe('ann: nothing to remove\n')
    expect(await bytes('ann')).toEqual(before)
    const some = await cli('rewind', 'ann', '--keep', '12', '--json')
    expect(JSON.parse(some.out)).toEqual({ root, key: 'ann', removed: [ids[12]] })
    const many = await cli('rewind', 'ann', '--keep', '0')
    expect([many.out, many.err]).toEqual([
      'ann: removed 12 messages\n',
      'to bring some back, see: jsonl-sessions show ann --removed\n',
    ])
    const { restored } = JSON.parse((await cli('restore', 'ann', ids[5] as string, '--json')).out)
    expect(restored).toHaveLength(1)
    expect(await texts('ann')).toEqual(['5'])
  })

  test('show --removed lists what is still in the log, escaped, until a compact', async () => {
    const ids = await fill('ann', 'a', `b ${HOSTILE}`)
    await cli('rewind', 'ann', '--keep', '1')
    const { code, out } = await cli('show', 'ann', '--removed')
    expect(code).toBe(0)
    const [head, block] = out.trimEnd().split('\n\n')
    expect(head).toBe('ann  1 removed message')
    expect(block?.split('\n')[0]).toMatch(new RegExp(`^${ids[1]} {2}removed \\d{4}-`))
    expect(block).toContain('\n  b evil\\x1b[2J\\u202e')
    const json = JSON.parse((await cli('show', 'ann', '--removed', '--json')).out)
    expect(json).toMatchObject({ id: ids[1], message: { role: 'user', content: `b ${HOSTILE}` } })
    await cli('compact', 'ann')
    expect((await cli('show', 'ann', '--removed')).out).toBe('ann  0 removed messages\n')
  })
})

describe('labels', () => {
  test('tag, untag and rename show what the labels are then', async () => {
    await fill('ann', 'a')
    expect(await cli('tag', 'ann', 'x', 'y z', 'x')).toEqual({ code: 0, out: 'ann  #x  #y z\n', err: '' })
    const before = await bytes('ann')
    expect((await cli('tag', 'ann', 'x')).out).toBe('ann  #x  #y z\n')
    expect(await bytes('ann')).toEqual(before)
    expect((await cli('rename', 'ann', HOSTILE)).out).toBe('ann  evil\\x1b[2J\\u202e\\n  #x  #y z\n')
    expect((await cli('untag', 'ann', 'y z', 'none')).out).toBe('ann  evil\\x1b[2J\\u202e\\n  #x\n')
    expect((await cli('rename', 'ann', '')).out).toBe('ann  #x\n')
    expect(await inSession('ann', (session) => session.name())).toBe(null)
  })

  test('list --tag shows the sessions of a tag, with their tags', async () => {
    for (const key of ['ann', 'bob', 'cy']) await fill(key, 'a')
    await cli('tag', 'ann', 'x')
    await cli('tag', 'cy', 'x', 'w')
    const { out } = await cli('list', '--tag', 'x')
    const rows = out.trimEnd().split('\n')
    expect(rows[0]).toMatch(/SIZE {2}TAGS$/)
    expect(rows.slice(1).map((row) => [row.split(' ')[0], row.includes('#x')])).toEqual([
      ['cy', true],
      ['ann', true],
    ])
    const json = JSON.parse((await cli('list', '--tag', 'x', '--json', '--limit', '1')).out)
    expect([json.total, json.sessions.map(({ key }: { key: string }) => key)]).toEqual([2, ['cy']])
    expect(await cli('list', '--tag', 'none')).toEqual({ code: 0, out: '', err: 'no sessions with the tag none\n' })
  })
})

test('the help names the commands', async () => {
  const { out } = await run(['--help'])
  for (const name of ['fork', 'rewind', 'restore', 'tag', 'untag', 'rename']) expect(out).toContain(`  ${name} `)
})

test('a key and a word are found however their accents are typed, and nothing unseen is printed raw', async () => {
  const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301']
  const store = await openStore(root)
  await store.session(composed).append({ role: 'user', content: `the ${decomposed} is open` })
  await store.session('a\u200bnn').append({ role: 'user', content: 'x' })
  await store.close()
  expect((await cli('show', decomposed)).out).toContain('is open')
  expect((await cli('show', decomposed.slice(0, 3))).code).toBe(0)
  for (const word of [composed, decomposed]) expect((await cli('search', word)).out).toContain(composed)
  expect((await cli('list')).out).toContain('a\\u200bnn')
  await appendFile(join(root, `${nameOf(composed)}.jsonl`), 'bad\n')
  for (const args of [['check', '--json'], ['list', '--json'], ['no\x1b[31m\u202ecommand']])
    expect(Object.values(await cli(...args)).join()).not.toMatch(/[\x1b\x80-\x9f\u200b\u202e]/)
})

test('a log that another tool named is listed and shown under its file name', async () => {
  await mkdir(root)
  await appendFile(join(root, 'my chat.jsonl'), '{"role":"user","content":"by hand"}\n')
  expect((await cli('list')).out).toContain('my chat')
  expect((await cli('show', 'my chat')).out).toContain('by hand')
})
