/** The bots of the README: whole programs, fed through their standard input. */
import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ended } from '../helpers/child.js'
import { projectOf, recipesOf } from '../helpers/example.js'
import { open, until } from '../helpers/store.js'

class Bot {
  readonly child: ChildProcess
  said = ''

  constructor(dir: string, name: string, ms = 0) {
    const env = { ...process.env, MODEL_MS: String(ms) }
    this.child = spawn(process.execPath, [name], { cwd: dir, env, stdio: ['pipe', 'pipe', 'pipe'] })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (text) => {
        this.said += text
      })
    }
    onTestFinished(() => void this.child.kill('SIGKILL'))
  }

  /** Messages of one sender, all at once. */
  hear(...messages: Array<[id: number, text: string]>): void {
    this.child.stdin?.write(messages.map(([id, text]) => `${id}|7|${text}\n`).join(''))
  }

  async says(...texts: string[]): Promise<void> {
    const isThere = async () => texts.every((text) => this.said.includes(text))
    await until(isThere, 30_000).catch(() => expect(this.said).toBe(texts.join('\n')))
  }
}

const recipes = recipesOf('src/adapters/README.md')

test('there are three of less than 60 lines, and each has turns', () => {
  expect(recipes.map(({ name }) => name)).toEqual(['grammy.mjs', 'bolt.mjs', 'agent.mjs'])
  for (const { code } of recipes) {
    expect(code.split('\n').length).toBeLessThan(60)
    expect(code).toContain('.turn(')
  }
})

describe.each(recipes)('the bot $name', ({ name, code }) => {
  async function project() {
    const dir = projectOf(name, code)
    const store = await open(path.join(dir, 'sessions'))
    const contents = async () => {
      const [key] = await store.keys()
      return (await store.session(key ?? 'none').messages()).map(({ role, content }) => [role, content])
    }
    const state = async () => (await store.session((await store.keys())[0] ?? 'none').state())?.state
    return { dir, store, contents, state }
  }

  test('remembers, takes two messages at once in turn, and answers one that comes twice once', async () => {
    const { dir, store, contents } = await project()
    const bot = new Bot(dir, name, 100)
    await bot.says('ready')
    bot.hear([1, 'hi'])
    await bot.says('last: hi')
    bot.hear([2, 'two'], [3, 'three'], [1, 'hi'])
    await bot.says('last: three')
    await until(async () => (await store.session((await store.keys())[0]!).waiting()).length === 0)
    const said = await contents()
    expect(said.filter(([role]) => role === 'user').map(([, content]) => content)).toEqual(['hi', 'two', 'three'])
    expect(said.filter(([, content]) => String(content).endsWith('last: hi'))).toHaveLength(1)
    bot.child.kill('SIGTERM')
    expect((await ended(bot.child)).code).toBe(0)
  })

  test('goes on after a model call that failed', async () => {
    const { dir, store } = await project()
    const bot = new Bot(dir, name)
    await bot.says('ready')
    bot.hear([1, 'fail'])
    await bot.says('failed: ')
    expect(bot.said).toContain('overloaded')
    bot.hear([2, 'well?'])
    await bot.says('last: well?')
    await until(async () => (await store.session((await store.keys())[0]!).waiting()).length === 0)
  })

  test.each(['SIGKILL', 'SIGTERM'] as const)('answers after its next start what %s cut off, once', async (signal) => {
    const { dir, store, contents, state } = await project()
    const first = new Bot(dir, name, 60_000)
    await first.says('ready')
    first.hear([1, 'slow'])
    await until(async () => (await state()) === 'running', 30_000)
    first.hear([2, 'and?'])
    await until(async () => (await contents()).length === 2, 30_000)
    first.child.kill(signal)
    expect((await ended(first.child)).code).toBe(signal === 'SIGTERM' ? 0 : null)
    expect(first.said).not.toContain('last:')
    const second = new Bot(dir, name)
    await second.says('ready', 'last: and?')
    await until(async () => (await store.session((await store.keys())[0]!).waiting()).length === 0)
    expect((await contents()).filter(([role]) => role === 'assistant')).toHaveLength(1)
    expect(await store.session((await store.keys())[0]!).check()).toMatchObject({ damage: [], duplicates: 0 })
    second.child.kill('SIGTERM')
    expect((await ended(second.child)).code).toBe(0)
  })
})
