/** `edit`: the copy in the editor, what is checked, and what comes meanwhile. */
import fs from 'node:fs'
import path from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { openStore } from '../../src/index.js'
import { fill } from '../helpers/store.js'
import { folder, linesOf, messagesOf, run } from './run.js'

let dir: string
let root: string
const log = () => path.join(root, 'ann.jsonl')

beforeEach(async () => {
  dir = await folder()
  root = path.join(dir, 'sessions')
  const store = await openStore(root)
  await fill(store, 'ann', ['one', 'two', 'three'])
  await store.close()
})

/** Runs `edit ann` with a program as the editor: it has the copy as `text` and what it makes of it is saved. */
async function edit(change: string) {
  const script = path.join(dir, 'editor.mjs')
  const store = JSON.stringify(new URL('../../dist/lib/index.js', import.meta.url).href)
  fs.writeFileSync(
    script,
    `import fs from 'node:fs'
import { openStore } from ${store}
const file = process.argv[2]
let text = fs.readFileSync(file, 'utf8')
const bot = async (work) => { const store = await openStore(${JSON.stringify(root)}); await work(store.session('ann')); await store.close() }
${change}
fs.writeFileSync(file, text)`,
  )
  return run(['edit', 'ann', '--root', root], { env: { EDITOR: `${process.execPath} ${script}`, TMPDIR: dir } })
}

const contents = async () => (await messagesOf(root, 'ann')).map(({ content }) => content)
const copies = () => fs.readdirSync(dir).filter((name) => name.startsWith('jsonl-sessions-'))

test('a changed, an added and a removed line are merged with what a bot wrote meanwhile', async () => {
  const { code, out, err } = await edit(`
await bot((session) => session.append({ role: 'user', content: 'four' }))
const lines = text.split('\\n').filter((line) => !line.includes('"one"'))
text = lines.join('\\n').replace('"two"', '"2"') + '{"role":"user","content":"by hand"}\\n'`)
  expect({ code, out, err }).toEqual({ code: 0, out: 'ann: 2 lines written, 2 lines taken out\n', err: '' })
  expect(new Set(await contents())).toEqual(new Set(['2', 'three', 'by hand', 'four']))
  expect(copies()).toEqual([])
})

test('what a bot removed or rewrote meanwhile stays so', async () => {
  await edit(`
await bot(async (session) => { await session.removeLast(); await session.rewrite() })
text = text.replace('"one"', '"1"')`)
  expect(await contents()).toEqual(['1', 'two'])
})

test('a line that both changed is there twice, and it is said', async () => {
  const { err } = await edit(`
fs.writeFileSync(${JSON.stringify(log())}, text.replace('"two"', '"zwei"'))
text = text.replace('"two"', '"2"')`)
  expect(err).toContain('both lines are kept')
  expect(new Set(await contents())).toEqual(new Set(['one', '2', 'zwei', 'three']))
})

test.each([
  ['a broken line', `text = text.replace('"two"', '"two')`, 'line 3: '],
  ['a line of no kind', `text += '{"content":"x"}\\n'`, 'line 5: neither a type nor a string role'],
  [
    'an id that is there twice',
    `text += text.split('\\n')[1].replace('one', 'again') + '\\n'`,
    'line 5: it has the id of line 2',
  ],
  ['no line of the session', `text = text.slice(text.indexOf('\\n') + 1)`, 'line 1: the line of the session'],
  ['nothing at all', `text = ''`, 'the copy is empty'],
])('%s changes nothing: the line is named, and the copy stays', async (_, change, told) => {
  const before = await linesOf(log())
  const { code, out, err } = await edit(change)
  expect({ code, out }).toEqual({ code: 1, out: '' })
  expect(err).toContain(told)
  const [copy] = copies()
  expect(err).toContain(`the copy stays: ${path.join(dir, String(copy), 'ann.jsonl')}`)
  expect(await linesOf(log())).toEqual(before)
})

test('a log as it was, an editor that fails, a session that is not there', async () => {
  const before = fs.readFileSync(log())
  expect(await edit('')).toEqual({ code: 0, out: 'ann: nothing changed\n', err: '' })
  expect(await edit('process.exit(3)')).toMatchObject({ code: 1, out: '' })
  expect(fs.readFileSync(log())).toEqual(before)
  expect(await run(['edit', 'bob', '--root', root])).toMatchObject({ code: 3 })
})
