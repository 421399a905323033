/** Files that were made to do harm, and processes that die or meet: no crash, no hang, no file outside the store, nothing twice. */
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { importFile } from '../../src/formats/index.js'
import { openStore } from '../../src/index.js'
import { folder, run, start } from '../cli/run.js'
import { open, SOAK, tempFolder } from '../helpers/store.js'
import { claudeSession, codexSession } from './histories.js'

const line = (value: unknown) => `${JSON.stringify(value)}\n`
const claude = (uuid: string, parentUuid: string | null, content: unknown, more: object = {}) =>
  line({
    type: 'user',
    uuid,
    parentUuid,
    sessionId: 's',
    timestamp: '2026-01-01T00:00:00.000Z',
    message: { role: 'user', content },
    ...more,
  })

function fileOf(text: string | Buffer, name = 'session.jsonl'): string {
  const file = path.join(tempFolder(), name)
  fs.writeFileSync(file, text)
  return file
}

async function contentsOf(file: string, options = {}): Promise<unknown[]> {
  const store = await open()
  const { sessions } = await importFile(store, file, { final: true, ...options })
  return (await store.session(sessions[0]!.key).messages()).map(({ content }) => content)
}

describe('hostile files', () => {
  test('ids that look like paths stay names', async () => {
    const outer = tempFolder()
    const root = path.join(outer, 'store')
    const ids = ['../../x', '/etc/passwd', 'a\u0000b', '..', 'con', 'x'.repeat(5000), '\ud800']
    const store = await openStore(root)
    for (const id of ids) {
      const file = fileOf(
        line({ type: 'session', version: 3, id, cwd: '/', timestamp: '2026-01-01T00:00:00.000Z' }) +
          line({ type: 'message', id: 'e1', parentId: null, message: { role: 'user', content: 'hi' } }),
      )
      const { sessions } = await importFile(store, file)
      expect(sessions[0]).toMatchObject({ action: 'created', messages: 1 })
    }
    expect((await store.keys()).length).toBe(ids.length)
    await store.close()
    expect(fs.readdirSync(outer)).toEqual(['store'])
  })

  test('trees with cycles, with a child before its parent, and with parents that are not there', async () => {
    expect(await contentsOf(fileOf(claude('a', 'b', 1) + claude('b', 'a', 2)))).toEqual([1, 2])
    expect(await contentsOf(fileOf(claude('a', 'a', 1) + claude('b', 'a', 2)))).toEqual([1, 2])
    expect(await contentsOf(fileOf(claude('b', 'a', 2) + claude('a', null, 1)))).toEqual([2, 1])
    expect(await contentsOf(fileOf(claude('a', 'gone', 1) + claude('b', 'gone', 2)))).toEqual([1, 2])
    const header = line({ type: 'session', version: 3, id: 'p', cwd: '/' })
    const entry = (id: string, parentId: string) =>
      line({ type: 'message', id, parentId, message: { role: 'user', content: id } })
    expect(await contentsOf(fileOf(header + entry('a', 'b') + entry('b', 'a')))).toEqual(['a', 'b'])
  })

  test('a long chain of cycles takes no longer than its lines', async () => {
    let text = ''
    for (let i = 0; i < 20_000; i++) text += claude(`u${i}`, `u${(i * 7919) % 20_000}`, i)
    const before = performance.now()
    await contentsOf(fileOf(text))
    expect(performance.now() - before).toBeLessThan(30_000)
  })

  test('line ends, marks and characters of all kinds', async () => {
    const text = `\uFEFF${claude('a', null, 'one\u2028two').replace(/\n$/, '\r\n')}\n\r\n${claude('b', 'a', 'nul \u0000 lone \ud800')}`
    expect(await contentsOf(fileOf(text))).toEqual(['one\u2028two', 'nul \u0000 lone \ud800'])
  })

  test('NUL bytes, depth and length cost their line only', async () => {
    const store = await open()
    const deep = '{"type":"user","message":{"role":"user","content":'
    const text = Buffer.concat([
      Buffer.from(claude('a', null, 'first')),
      Buffer.from('\u0000\u0000\u0000\n'),
      Buffer.from(`${deep}${'['.repeat(100_000)}${']'.repeat(100_000)}}}\n`),
      Buffer.from(`${deep}${'['.repeat(1_001)}${']'.repeat(1_001)}}}\n`),
      Buffer.from(claude('b', 'a', 'last')),
      Buffer.from('\u0000\u0000'),
    ])
    const { files, sessions } = await importFile(store, fileOf(text), { final: true })
    expect(files[0]).toMatchObject({ lines: 6, used: 2, torn: 1, bad: [{ line: 2 }, { line: 3 }, { line: 4 }] })
    expect(sessions[0]?.messages).toBe(2)
  })

  test('a line of 100 MB comes in, one of more than 128 MiB is named', async () => {
    const store = await open()
    const long = 'x'.repeat(100 * 1024 * 1024)
    const file = fileOf(claude('a', null, long))
    const out = fs.openSync(file, 'a')
    for (let i = 0; i < 129; i++) fs.writeSync(out, Buffer.alloc(1024 * 1024, 0x78))
    fs.writeSync(out, `\n${claude('b', 'a', 'last')}`)
    fs.closeSync(out)
    const { files, sessions } = await importFile(store, file, { final: true })
    expect(files[0]?.bad).toMatchObject([{ line: 2 }])
    expect(sessions[0]?.messages).toBe(2)
  })

  test('fields called __proto__ and constructor are fields', async () => {
    const store = await open()
    const text =
      '{"type":"user","uuid":"a","parentUuid":null,"sessionId":"s","__proto__":{"polluted":1},"constructor":2,"message":{"role":"user","content":"hi","__proto__":{"x":1}}}\n'
    const { sessions } = await importFile(store, fileOf(text), { final: true })
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    const log = fs.readFileSync(store.session(sessions[0]!.key).path, 'utf8')
    expect(log).toContain('"__proto__":')
    expect(log).toContain('"constructor":2')
  })

  test('many sessions in one file', async () => {
    const store = await open()
    let text = ''
    const count = SOAK ? 200_000 : 1_000
    for (let i = 0; i < count; i++) text += line({ messages: [{ role: 'user', content: `q${i}` }] })
    const { sessions } = await importFile(store, fileOf(text))
    expect(sessions.length).toBe(count)
    expect((await store.keys()).length).toBe(count)
  }, 1_800_000)

  test('links in a folder are not followed', async () => {
    const [dir, elsewhere] = [tempFolder(), tempFolder()]
    fs.writeFileSync(path.join(elsewhere, 'secret.jsonl'), claude('a', null, 'secret'))
    fs.writeFileSync(path.join(dir, 'mine.jsonl'), claude('b', null, 'mine'))
    fs.symlinkSync(elsewhere, path.join(dir, 'folder'))
    fs.symlinkSync(path.join(elsewhere, 'secret.jsonl'), path.join(dir, 'link.jsonl'))
    const { files } = await importFile(await open(), dir, { final: true })
    expect(files.map(({ path: file }) => path.basename(file))).toEqual(['mine.jsonl'])
  })

  test('one bad file of several is a warning', async () => {
    const dir = tempFolder()
    fs.writeFileSync(path.join(dir, 'a.jsonl'), claude('a', null, 'good'))
    fs.writeFileSync(path.join(dir, 'b.json'), '{"working_dir":"/","conversation":[{')
    const { files, warnings } = await importFile(await open(), dir, { final: true })
    expect(files.length).toBe(1)
    expect(warnings.join()).toContain('b.json')
  })
})

describe('processes', () => {
  const logsIn = (root: string) =>
    fs
      .readdirSync(root)
      .filter((name) => name.endsWith('.jsonl'))
      .sort()
      .map((name) => [name, fs.readFileSync(path.join(root, name), 'utf8')])

  async function bigFile(dir: string): Promise<string> {
    const file = path.join(dir, 'big.jsonl')
    let text = ''
    let parent: string | null = null
    for (let i = 0; i < 30_000; i++) {
      text += claude(`u${i}`, parent, `message ${i} ${'x'.repeat(100)}`)
      parent = `u${i}`
    }
    fs.writeFileSync(file, text)
    fs.utimesSync(file, 1_700_000_000, 1_700_000_000)
    return file
  }

  test('killed at any moment, the same command makes the same log', async () => {
    const dir = await folder()
    const file = await bigFile(dir)
    const whole = path.join(dir, 'whole')
    expect((await run(['import', file, '--root', whole])).code).toBe(0)
    const killed = path.join(dir, 'killed')
    for (const delay of [120, 250, 400, 600, 900, 1300]) {
      const { child, done } = start(['import', file, '--root', killed])
      await new Promise((resolve) => setTimeout(resolve, delay))
      child.kill('SIGKILL')
      await done
    }
    expect((await run(['import', file, '--root', killed])).code).toBe(0)
    expect(logsIn(killed)).toEqual(logsIn(whole))
    expect(fs.existsSync(path.join(killed, '.import'))).toBe(false)
  })

  test('killed while a file that grows is read on, the same command makes the same log', async () => {
    const dir = await folder()
    const file = path.join(dir, 'grows.jsonl')
    const lines = codexSession(4).split('\n').slice(0, -1)
    const [whole, killed] = [path.join(dir, 'whole'), path.join(dir, 'killed')]
    for (let part = 1; part <= 4; part++) {
      fs.writeFileSync(
        file,
        lines
          .slice(0, Math.ceil((lines.length * part) / 4))
          .map((one) => `${one}\n`)
          .join(''),
      )
      fs.utimesSync(file, 1_700_000_000, 1_700_000_000)
      const { child, done } = start(['import', file, '--root', killed])
      await new Promise((resolve) => setTimeout(resolve, 100 + part * 60))
      child.kill('SIGKILL')
      await done
      await run(['import', file, '--root', killed])
      await run(['import', file, '--root', whole])
    }
    const messages = async (root: string) => {
      const store = await openStore(root)
      const [key] = await store.keys()
      const all = await store.session(key!).messages()
      await store.close()
      return all
    }
    expect(await messages(killed)).toEqual(await messages(whole))
  })

  test('two imports of one file at once make one set of messages', async () => {
    const dir = await folder()
    const file = path.join(dir, 's.jsonl')
    fs.writeFileSync(file, claudeSession(8))
    fs.utimesSync(file, 1_700_000_000, 1_700_000_000)
    const [alone, both] = [path.join(dir, 'alone'), path.join(dir, 'both')]
    await run(['import', file, '--root', alone])
    const results = await Promise.all([1, 2, 3].map(() => run(['import', file, '--root', both])))
    expect(results.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(logsIn(both)).toEqual(logsIn(alone))
  })

  test('a line that is added comes in while the file is followed', async () => {
    const dir = await folder()
    const file = path.join(dir, 's.jsonl')
    fs.writeFileSync(file, claude('a', null, 'one'))
    const root = path.join(dir, 'root')
    const { child, done } = start(['import', file, '--follow', '--root', root])
    let out = ''
    child.stdout.on('data', (text) => {
      out += text
    })
    while (!out.includes('created')) await new Promise((resolve) => setTimeout(resolve, 20))
    const before = Date.now()
    fs.appendFileSync(file, claude('b', 'a', 'two'))
    while (!out.includes('1 message came in')) {
      if (Date.now() - before > 20_000) throw new Error(`not seen: ${out}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    child.kill('SIGINT')
    expect((await done).code).toBe(0)
    const store = await openStore(root)
    const [key] = await store.keys()
    expect((await store.session(key!).messages()).map(({ content }) => content)).toEqual(['one', 'two'])
    await store.close()
  })
})
