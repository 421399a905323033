import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openStore } from '../../src/index.js'
import { type Endpoint, endpoint, folder, inbox, messagesOf, run, says, start, statesOf, summaryIn } from './run.js'

// Every test starts a few processes, on machines that are busy with other tests.
vi.setConfig({ testTimeout: 60_000 })

const PATIENT = { timeout: 30_000 }

let dir: string
let root: string
let server: Endpoint | undefined

beforeEach(async () => {
  dir = await folder()
  root = join(dir, 'sessions')
})

afterEach(async () => {
  await server?.close()
  server = undefined
})

const bot = (args: string[], options = {}) => run(['bot', '--root', root, ...args], options)

describe('bot with an endpoint', () => {
  const ask = (url: string, args: string[] = []) => ['--base-url', url, '--model', 'test-model', ...args]

  test('that repeats the key does not bring it into a message or a log', async () => {
    const key = 'sk-secret-key-0123456789'
    const texts = [`bad key ${key}`, `${'x'.repeat(180)}${key}`]
    let n = 0
    server = await endpoint((_, response) => {
      if (n++ === 2) return says(response, `your key is ${key}`)
      response.statusCode = 401
      response.end(n === 1 ? JSON.stringify({ error: { message: texts[0] } }) : texts[1])
    })
    const file = await inbox(
      dir,
      [1, 2, 3].map((i) => ({ sender: `s${i}`, text: 'hi' })),
    )
    const { err, out } = await bot([file, '--concurrency', '1', ...ask(server.url)], { env: { OPENAI_API_KEY: key } })
    expect(err + out).not.toContain('sk-sec')
    expect(err).toContain('[key]')
    expect(JSON.stringify(await Promise.all(['s1', 's2', 's3'].map((one) => messagesOf(root, one))))).not.toContain(key)
  })

  test.each([301, 302, 307, 308])(
    'that redirects (%i) is not followed: what is sent is for one host',
    async (status) => {
      const other = await endpoint((_, response) => says(response, 'from elsewhere'))
      server = await endpoint((_, response) => {
        response.writeHead(status, { location: `${other.url}/chat/completions` })
        response.end()
      })
      const { err, code } = await bot([await inbox(dir, [{ sender: 'ann', text: 'hi' }]), ...ask(server.url)], {
        env: { OPENAI_API_KEY: 'sk-secret' },
      })
      await other.close()
      expect(other.asked).toEqual([])
      expect(err).toContain('redirects')
      expect(code).toBe(1)
    },
  )

  test.each([
    'http://user:hunter2@127.0.0.1:1/v1',
    'http://:hunter2@host',
    'https://hunter2:x@ho st/',
    'ftp://u:hunter2@h',
  ])('whose URL holds a password is refused, and the password is not printed: %s', async (url) => {
    const { err, out, code } = await bot([await inbox(dir, [{ sender: 'ann', text: 'hi' }]), ...ask(url)])
    expect(code).toBe(2)
    expect(err + out).not.toContain('hunter2')
  })

  test('gets the history, the system message and the key', async () => {
    server = await endpoint(({ body }, response) => says(response, `answer ${body.messages.length}`))
    const file = await inbox(dir, [
      { sender: 'ann', text: 'one', reply: 'first' },
      { sender: 'ann', text: 'two' },
      { sender: 'ann', text: 'three', reply: null },
    ])
    const args = [file, ...ask(`${server.url}/`, ['--system', 'Be brief.'])]
    const { code, err, out } = await bot(args, { env: { OPENAI_API_KEY: 'sk-secret' } })
    expect(code).toBe(0)
    expect(err + out).not.toContain('sk-secret')
    expect(server.asked).toHaveLength(2)
    expect(server.asked[0]).toMatchObject({
      url: '/v1/chat/completions',
      headers: { authorization: 'Bearer sk-secret', 'content-type': 'application/json' },
    })
    const system = { role: 'system', content: 'Be brief.' }
    const history = [
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'first' },
      { role: 'user', content: 'two' },
    ]
    expect(server.asked[0]!.body).toEqual({ model: 'test-model', messages: [system, ...history] })
    expect(server.asked[1]!.body.messages).toEqual([
      system,
      ...history,
      { role: 'assistant', content: 'answer 4' },
      { role: 'user', content: 'three' },
    ])
    expect((await messagesOf(root, 'ann')).at(-1)).toEqual({ role: 'assistant', content: 'answer 6' })
  })

  test('--history limits what the model sees', async () => {
    server = await endpoint((_, response) => says(response, 'ok'))
    const file = await inbox(dir, [
      { sender: 'ann', text: 'one', reply: 'first' },
      { sender: 'ann', text: 'two' },
    ])
    expect((await bot([file, ...ask(server.url, ['--history', '1'])])).code).toBe(0)
    expect(server.asked[0]!.body.messages).toEqual([{ role: 'user', content: 'two' }])
  })

  test('a failing answer fails its turn only, and says why', async () => {
    server = await endpoint(({ body }, response) => {
      const text = body.messages.at(-1)!.content
      if (text === 'error') response.writeHead(500).end('{"error":{"message":"the model\\nis \\u001b[31mill"}}')
      else if (text === 'html') response.end('<html>')
      else if (text === 'empty') response.end('{"choices":[]}')
      else if (text === 'gone') response.destroy()
      else says(response, 'fine')
    })
    const texts = ['error', 'html', 'empty', 'gone', 'good']
    const file = await inbox(dir, [
      ...texts.map((text) => ({ sender: text, text })),
      { sender: 'error', text: 'again', reply: 'better' },
    ])
    const { code, err } = await bot([file, '--json', ...ask(server.url)])
    expect(code).toBe(1)
    expect(summaryIn(err)).toMatchObject({ turns: 6, failed: 4, badLines: 0, messages: 8, leftRunning: 0 })
    expect(err).toContain('line 1: turn of error failed: the endpoint answered 500: the model is \\x1b[31mill')
    expect(err).toContain("line 2: turn of html failed: the endpoint's response is not JSON: <html>")
    expect(err).toContain("line 3: turn of empty failed: the endpoint's response has no choices[0].message.content")
    expect(err).toContain('line 4: turn of gone failed: cannot reach the endpoint: UND_ERR_SOCKET')
    const states = { error: 'idle', html: 'error', empty: 'error', gone: 'error', good: 'idle' }
    expect(await statesOf(root)).toEqual(states)
    expect(await messagesOf(root, 'gone')).toEqual([{ role: 'user', content: 'gone' }])
  })

  test('an endpoint that takes too long, before its answer or within', async () => {
    server = await endpoint(({ body }, response) => {
      if (body.messages.at(-1)!.content === 'drip') response.write('{"choices":')
    })
    const file = await inbox(dir, [
      { sender: 'ann', text: 'silence' },
      { sender: 'bob', text: 'drip' },
    ])
    const { code, err } = await bot([file, ...ask(server.url, ['--timeout', '0.5'])])
    expect(code).toBe(1)
    expect(err).toContain('line 1: turn of ann failed: no answer from the endpoint within 0.5 s')
    expect(err).toContain('line 2: turn of bob failed: no answer from the endpoint within 0.5 s')
    expect(await statesOf(root)).toEqual({ ann: 'error', bob: 'error' })
  })

  test('an endpoint that is not there', async () => {
    const gone = await endpoint(() => {})
    await gone.close()
    const file = await inbox(dir, [{ sender: 'ann', text: 'hello?' }])
    const { code, err } = await bot([file, ...ask(gone.url)])
    expect(code).toBe(1)
    expect(err).toContain('cannot reach the endpoint: ECONNREFUSED')
  })

  test('one sender in order, several at once, never more than the limit', async () => {
    let busy = 0
    let most = 0
    const senders = new Map<unknown, number>()
    server = await endpoint(({ body }, response) => {
      most = Math.max(most, ++busy)
      const [sender] = String(body.messages.at(-1)!.content).split(' ')
      senders.set(sender, (senders.get(sender) ?? 0) + 1)
      expect(senders.get(sender)).toBe(1)
      setTimeout(() => {
        busy--
        senders.set(sender, 0)
        says(response, 'ok')
      }, 20)
    })
    const turns = Array.from({ length: 40 }, (_, i) => ({ sender: `s${i % 5}`, text: `s${i % 5} ${i}` }))
    const file = await inbox(dir, turns)
    expect((await bot([file, ...ask(server.url, ['--concurrency', '3'])])).code).toBe(0)
    expect(most).toBe(3)
    for (let sender = 0; sender < 5; sender++) {
      const users = (await messagesOf(root, `s${sender}`)).filter(({ role }) => role === 'user')
      expect(users.map(({ content }) => content)).toEqual(
        turns.filter((turn) => turn.sender === `s${sender}`).map(({ text }) => text),
      )
    }
  })

  test('nothing is held while the model thinks: others can write to the session', async () => {
    let release = () => {}
    server = await endpoint((_, response) => {
      release = () => says(response, 'at last')
    })
    const file = await inbox(dir, [{ sender: 'ann', text: 'question' }])
    const running = start(['bot', file, '--root', root, ...ask(server.url)])
    running.child.stdin.end()
    await expect.poll(() => server!.asked.length, PATIENT).toBe(1)
    expect(await statesOf(root)).toEqual({ ann: 'running' })
    const store = await openStore(root)
    await store.session('ann').append({ role: 'user', content: 'meanwhile' })
    await store.session('ann').setName('Ann')
    await store.close()
    release()
    expect((await running.done).code).toBe(0)
    const contents = (await messagesOf(root, 'ann')).map(({ content }) => content)
    expect(contents).toEqual(['question', 'meanwhile', 'at last'])
    expect(await statesOf(root)).toEqual({ ann: 'idle' })
  })

  test('a turn of the same session in another bot waits until this one has ended', async () => {
    let release = () => {}
    server = await endpoint((_, response) => {
      release = () => says(response, 'first')
    })
    const file = await inbox(dir, [{ sender: 'ann', text: 'question' }])
    const running = start(['bot', file, '--root', root, ...ask(server.url)])
    running.child.stdin.end()
    await expect.poll(() => server!.asked.length, PATIENT).toBe(1)
    const other = bot([], { input: '{"sender":"ann","text":"meanwhile","reply":"second"}\n' })
    await expect.poll(async () => (await messagesOf(root, 'ann')).length, PATIENT).toBe(2)
    release()
    expect((await running.done).code).toBe(0)
    expect((await other).code).toBe(0)
    const contents = (await messagesOf(root, 'ann')).map(({ content }) => content)
    expect(contents).toEqual(['question', 'meanwhile', 'first', 'second'])
  })
})

describe('bot, interrupted', () => {
  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    test(`${signal} finishes the turns begun and leaves none running`, async () => {
      const waiting: (() => void)[] = []
      server = await endpoint((_, response) => {
        waiting.push(() => says(response, 'late but here'))
      })
      const lines = Array.from({ length: 50 }, (_, i) => ({ sender: `user${i}`, text: 'hi' }))
      const file = await inbox(dir, lines)
      const args = ['bot', file, '--root', root, '--json', '--concurrency', '4']
      const { child, done, says: hasSaid } = start([...args, '--base-url', server.url, '--model', 'm'])
      await expect.poll(() => waiting.length, PATIENT).toBe(4)
      child.kill(signal)
      await hasSaid('finishing 4')
      for (const answer of waiting) answer()
      const { code, err } = await done
      expect(code).toBe(exitCode)
      expect(summaryIn(err)).toMatchObject({ turns: 4, unserved: 46, leftRunning: 0, stoppedBy: signal, messages: 8 })
      expect(Object.values(await statesOf(root))).toEqual(['idle', 'idle', 'idle', 'idle'])
    })
  }

  test('a second signal ends it at once', async () => {
    server = await endpoint(() => {})
    const file = await inbox(dir, [{ sender: 'ann', text: 'hi' }])
    const {
      child,
      done,
      says: hasSaid,
    } = start(['bot', file, '--root', root, '--base-url', server.url, '--model', 'm'])
    await expect.poll(() => server!.asked.length, PATIENT).toBe(1)
    child.kill('SIGINT')
    await hasSaid('finishing 1')
    await new Promise((resolve) => setTimeout(resolve, 300))
    child.kill('SIGINT')
    expect((await done).code).toBe(130)
  })

  test('stops while it waits for a pipe', async () => {
    const { child, done } = start(['bot', '--root', root])
    child.stdin.write('{"sender":"ann","text":"one","reply":"1"}\n')
    await expect.poll(() => messagesOf(root, 'ann'), PATIENT).toHaveLength(2)
    child.kill('SIGINT')
    const { code, err } = await done
    expect(code).toBe(130)
    expect(err).toContain('1 turn in 1 session, 2 messages now, 0 left running')
  })
})
