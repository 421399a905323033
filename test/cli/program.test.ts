import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { appendFile, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { openStore } from '../../src/index.js'
import { folder, inbox, MAIN, run, runAll, start } from './run.js'

// Every test starts a few processes, on machines that are busy with other tests.
vi.setConfig({ testTimeout: 60_000 })

let dir: string
let root: string

beforeEach(async () => {
  dir = await folder()
  root = join(dir, 'sessions')
})

const cli = (args: string[], options = {}) => run([...args, '--root', root], options)

/** A store with three sessions; the newest comes last. */
async function fill(): Promise<void> {
  let time = Date.now()
  const store = await openStore(root, { now: () => ++time })
  for (const [key, text, reply] of [
    ['telegram_ann', 'Where is my tea?', 'On the *table*, beside the Kettle.'],
    ['telegram_anton', 'Чай готовий?', 'Так! ☕'],
    ['slack/C1/thread/9', '日本語のメモ', 'はい\n二行目'],
  ] as const) {
    await store.session(key).append({ role: 'user', content: text })
    await store.session(key).append({ role: 'assistant', content: reply })
  }
  await store.close()
}

describe('exit codes and errors', () => {
  test('wrong usage is 2, one line on stderr', async () => {
    const all = [
      ['--nonsense'],
      ['nonsense'],
      ['list', '--limit', '-1'],
      ['list', '--limit', 'x'],
      ['list', 'extra'],
      ['show'],
      ['search'],
      ['rm'],
      ['compact'],
      ['compact', 'a', '--all'],
      ['bot', 'a', '--concurrency', '0'],
      ['bot', 'a', '--timeout', 'soon'],
      ['bot', 'a', '--base-url', 'ftp://x', '--model', 'm'],
      ['bot', 'a', '--base-url', 'http://localhost'],
      ['bot', 'a', '--model', 'm'],
      ['list', '--root', ''],
    ]
    const results = await runAll(all)
    results.forEach(({ code, out, err }, i) => {
      expect([all[i], code, out]).toEqual([all[i], 2, ''])
      expect(err).toMatch(/^jsonl-sessions: [^\n]+\n$/)
    })
  })

  test('no command at all is wrong usage and shows the help', async () => {
    const { code, err } = await run([])
    expect(code).toBe(2)
    expect(err).toContain('Usage: jsonl-sessions')
  })

  test('help and version', async () => {
    const help = await run(['--help'])
    expect([help.code, help.err]).toEqual([0, ''])
    for (const name of ['bot', 'list', 'show', 'search', 'rm', 'compact', 'check']) expect(help.out).toContain(name)
    expect((await run(['bot', '--help'])).out).toContain('--base-url')
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(await run(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' })
  })

  test('what is not there is 3', async () => {
    await fill()
    for (const args of [
      ['show', 'nobody'],
      ['rewrite', 'nobody'],
      ['check', 'nobody'],
      ['rm', '--yes', 'nobody'],
    ]) {
      const { code, err } = await cli(args)
      expect([args, code]).toEqual([args, 3])
      expect(err).toMatch(/^jsonl-sessions: no session nobody[^\n]*\n$/)
    }
    const inboxMissing = await cli(['bot', join(dir, 'no-inbox')])
    expect(inboxMissing.code).toBe(3)
    expect(inboxMissing.err).toMatch(/^jsonl-sessions: ENOENT[^\n]*no-inbox[^\n]*\n$/)
    expect((await cli(['bot', dir])).code).toBe(1)
    expect(await cli(['show', ''])).toMatchObject({ code: 2, err: expect.stringContaining('is the beginning of') })
  })

  test('a missing root is created by bot only', async () => {
    expect(await cli(['list', '--json'])).toMatchObject({
      code: 0,
      out: `{"root":"${root}","total":0,"sessions":[]}\n`,
    })
    expect(await cli(['search', 'x'])).toMatchObject({ code: 0, out: '' })
    for (const args of [['check'], ['rewrite', '--all'], ['show', 'a'], ['rm', 'a', '-y']]) {
      const { code, err } = await cli(args)
      expect([args, code]).toEqual([args, 3])
      expect(err).toContain('ENOENT')
    }
    expect(await readdir(dir)).toEqual([])
    expect((await cli(['bot', join(dir, 'no-inbox')])).code).toBe(3)
    expect(await readdir(dir)).toEqual([])
  })

  test('the root: option, environment, ./sessions', async () => {
    await fill()
    const lines = (out: string) => out.split('\n').length
    expect(lines((await run(['list'], { cwd: dir })).out)).toBe(5)
    expect(lines((await run(['list'], { env: { JSONL_SESSIONS_ROOT: root } })).out)).toBe(5)
    expect(lines((await run(['--root', root, 'list'])).out)).toBe(5)
    expect(lines((await run(['list'], { cwd: dir, env: { JSONL_SESSIONS_ROOT: '' } })).out)).toBe(5)
    const other = await run(['list', '--root', join(dir, 'other')], { env: { JSONL_SESSIONS_ROOT: root } })
    expect(other.out).toBe('')
  })
})

describe('list', () => {
  test('newest first, in a table', async () => {
    await fill()
    const { code, out, err } = await cli(['list'])
    expect([code, err]).toEqual([0, ''])
    const [head, ...rows] = out.trimEnd().split('\n')
    expect(head).toMatch(/^KEY +NAME +MESSAGES +LAST ACTIVITY +STATE +SIZE$/)
    expect(rows.map((row) => row.split(' ')[0])).toEqual(['slack/C1/thread/9', 'telegram_anton', 'telegram_ann'])
    expect(rows[0]).toMatch(/ 2 {2}just now +idle +\d+ B$/)
    const limited = await cli(['list', '--limit', '1'])
    expect(limited.out.split('\n')).toHaveLength(3)
    expect(limited.err).toBe('1 of 3 sessions\n')
  })

  test('--json is one object', async () => {
    await fill()
    const { out } = await cli(['list', '--json', '--limit', '2'])
    const { total, sessions } = JSON.parse(out)
    expect(total).toBe(3)
    expect(sessions).toHaveLength(2)
    expect(sessions[1]).toMatchObject({ key: 'telegram_anton', name: null, tags: [], messages: 2, state: 'idle' })
    expect(new Date(sessions[1].lastActivity).toISOString()).toBe(sessions[1].lastActivity)
  })

  test('colours: none in a pipe, FORCE_COLOR, NO_COLOR, --no-color', async () => {
    await fill()
    const coloured = async (args: string[], env = {}) => (await cli(args, { env })).out.includes('\x1b[')
    expect(await coloured(['list'])).toBe(false)
    expect(await coloured(['list'], { FORCE_COLOR: '1' })).toBe(true)
    expect(await coloured(['list'], { NO_COLOR: '1' })).toBe(false)
    expect(await coloured(['list', '--no-color'], { FORCE_COLOR: '1' })).toBe(false)
    expect(await coloured(['--no-color', 'list'], { FORCE_COLOR: '1' })).toBe(false)
  })

  test('is quiet when its reader goes away', async () => {
    const lines = Array.from({ length: 50 }, (_, i) => ({ sender: `user${i}`, text: 'hi', reply: 'yo' }))
    const file = await inbox(dir, lines)
    expect((await cli(['bot', file])).code).toBe(0)
    for (const args of [['list'], ['list', '--json'], ['show', 'user0'], ['check'], ['search', 'hi']]) {
      const { child, done } = start([...args, '--root', root])
      child.stdout.destroy()
      const { code, err } = await done
      expect([args, code, err]).toEqual([args, 0, ''])
    }
  })
})

test.runIf(existsSync('/dev/full'))('output that cannot be written is a failure', async () => {
  await fill()
  const child = spawn('sh', ['-c', `exec "$0" "$1" list --root "$2" > /dev/full`, process.execPath, MAIN, root], {
    timeout: 60_000,
  })
  let err = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text
  })
  const code = await new Promise((resolve) => child.on('close', resolve))
  expect([code, err]).toEqual([1, expect.stringMatching(/^jsonl-sessions: cannot write the output: ENOSPC[^\n]*\n$/)])
})

describe('show', () => {
  test('a readable transcript', async () => {
    await fill()
    const { code, out } = await cli(['show', 'slack/C1/thread/9'])
    expect(code).toBe(0)
    const time = '\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d'
    expect(out).toMatch(
      new RegExp(
        `^slack/C1/thread/9  2 messages, idle\n\nuser  ${time}\n  日本語のメモ\n\nassistant  ${time}\n  はい\n  二行目\n$`,
      ),
    )
  })

  test('--last, --json, and a key by its beginning', async () => {
    await fill()
    const { code, out } = await cli(['show', 'sl', '--last', '1', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ role: 'assistant', content: 'はい\n二行目', id: expect.any(String) })
    expect((await cli(['show', 'telegram_ant'])).out).toContain('Чай')
    expect((await cli(['show', 'telegram_ann'])).out).toContain('tea')
    const { code: ambiguous, err } = await cli(['show', 'telegram_an'])
    expect(ambiguous).toBe(2)
    expect(err).toContain('telegram_ann, telegram_anton')
  })
})

describe('search', () => {
  test('finds sessions with an excerpt', async () => {
    await fill()
    const { code, out } = await cli(['search', 'kettle'])
    expect(code).toBe(0)
    expect(out.trimEnd().split('\n')).toHaveLength(2)
    expect(out).toMatch(/telegram_ann +just now +assistant: .*beside the Kettle\./)
    expect((await cli(['search', '日本', 'kettle'])).out.trimEnd().split('\n')).toHaveLength(3)
    expect((await cli(['search', '日本', 'kettle', '--limit', '1'])).out.trimEnd().split('\n')).toHaveLength(2)
    expect((await cli(['search', '"my tea"'])).out).toContain('telegram_ann')
    expect(await cli(['search', '"tea my"'])).toEqual({ code: 0, out: '', err: 'nothing found\n' })
  })

  test('highlights the words and gives JSON', async () => {
    await fill()
    const { out } = await cli(['search', 'kettle'], { env: { FORCE_COLOR: '1' } })
    expect(out).toContain('\x1b[1m\x1b[33mKettle\x1b[39m\x1b[22m')
    const { query, sessions } = JSON.parse((await cli(['search', 'kettle', '--json'])).out)
    expect(query).toBe('kettle')
    expect(sessions).toMatchObject([{ key: 'telegram_ann', match: { role: 'assistant' } }])
  })
})

describe('rm', () => {
  test('moves to the trash, reports what was not there', async () => {
    await fill()
    const { code, out, err } = await cli(['rm', 'telegram_ann', 'nobody', 'slack/C1/thread/9'])
    expect(code).toBe(3)
    expect(out).toMatch(
      /^telegram_ann: in the trash, back with: jsonl-sessions trash restore \S+\nslack\/C1\/thread\/9: in the trash/,
    )
    expect(err).toContain('no session nobody')
    expect((await cli(['list'])).out).not.toMatch(/telegram_ann |slack/)
    expect((await cli(['trash', 'restore', 'telegram_ann'])).code).toBe(0)
    expect((await cli(['show', 'telegram_ann'])).out).toContain('tea')
  })

  test('--purge deletes for good, and needs --yes without a terminal', async () => {
    await fill()
    expect(await cli(['rm', '--purge', 'telegram_ann'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--yes'),
    })
    const { code, out } = await cli(['rm', '--purge', '--yes', 'telegram_ann', 'telegram_anton', 'slack/C1/thread/9'])
    expect([code, out.split('\n')[0]]).toEqual([0, 'telegram_ann: deleted'])
    expect((await cli(['trash', 'list'])).out).toBe('')
  })

  test('refuses a session in which a turn runs, unless it is forced', async () => {
    await fill()
    const store = await openStore(root)
    await store.session('telegram_ann').setState('running', 't1')
    for (const args of [['rm'], ['rm', '--purge', '--yes']])
      expect((await cli([...args, 'telegram_ann'])).code).toBeGreaterThan(0)
    expect((await cli(['rm', 'telegram_ann'])).code).toBe(4)
    expect((await cli(['show', 'telegram_ann'])).code).toBe(0)
    await store.session('telegram_ann').setState('idle', 't1')
    await store.close()
    expect((await cli(['rm', '--force', 'telegram_ann'])).code).toBe(0)
  })

  test('unasked, the beginning of a key is not enough', async () => {
    await fill()
    expect((await cli(['rm', 'slack'])).code).toBe(3)
    expect((await cli(['show', 'slack'])).code).toBe(0)
  })
})

test('a session without a name shows the beginning of what the user said first', async () => {
  const store = await openStore(root)
  await store.session('long').append({ role: 'user', content: `first words\n${'x'.repeat(9_000)}` })
  await store.close()
  const { out } = await cli(['list'])
  expect(out).toContain('“first words xxx')
  for (const line of out.split('\n')) expect(line.length).toBeLessThan(130)
})

describe('keys', () => {
  test('latest is the newest session; path prints its log; tail its last messages', async () => {
    await fill()
    const newest = JSON.parse((await cli(['list', '--json', '--limit', '1'])).out).sessions[0]
    expect((await cli(['path', 'latest'])).out).toBe(`${newest.file}\n`)
    const shown = await cli(['tail', 'latest', '--last', '1', '--json'])
    expect(JSON.parse(shown.out)).toMatchObject({ id: expect.any(String), message: { role: expect.any(String) } })
    const { out } = await cli(['show', 'latest', '--ids'])
    expect(out).toContain(JSON.parse(shown.out).id)
  })

  test('are completed by the shell', async () => {
    await fill()
    expect((await cli(['complete', 'keys'])).out.split('\n')).toContain('telegram_ann')
    expect((await cli(['complete', 'commands'])).out.split('\n')).toEqual(
      expect.arrayContaining(['list', 'completion']),
    )
    for (const shell of ['bash', 'zsh', 'fish'])
      expect((await cli(['completion', shell])).out).toContain('complete keys')
    expect((await cli(['completion', 'tcsh'])).code).toBe(2)
  })
})

describe('compact and check', () => {
  test('healthy sessions', async () => {
    await fill()
    expect(await cli(['check'])).toEqual({ code: 0, out: '3 sessions, 6 messages, no damage\n', err: '' })
    expect(await cli(['compact', 'telegram_ann'])).toMatchObject({ code: 0, out: 'telegram_ann: nothing to do\n' })
    expect(await cli(['compact', '--all'])).toMatchObject({ code: 0, out: '3 sessions: nothing to do\n' })
  })

  test('damage is found, set aside and gone', async () => {
    await fill()
    const file = join(root, 'telegram_ann.jsonl')
    const { length } = await readFile(file)
    await appendFile(file, 'gar\x1bbage\n{"role":"user","content":"typed by hand"}\n')
    const found = await cli(['check', 'telegram_ann'])
    expect(found.code).toBe(1)
    expect(found.out).toMatch(
      new RegExp(
        `telegram_ann\\.jsonl:4: offset ${length}, \\d+ bytes: .*\n1 session, 3 messages, 1 unreadable line\n$`,
      ),
    )
    expect(found.out).not.toContain('\x1b')
    expect((await cli(['check'])).code).toBe(1)
    const shown = await cli(['show', 'telegram_ann'])
    expect([shown.code, shown.err]).toEqual([0, '1 unreadable line skipped, see: jsonl-sessions check\n'])
    const compacted = await cli(['compact', '--all'])
    expect(compacted.code).toBe(0)
    expect(compacted.out).toMatch(
      /^telegram_ann: \d+ B larger, ids and times written out, 1 unreadable range kept in \.quarantine\n2 sessions: nothing to do\n$/,
    )
    expect((await cli(['check'])).out).toBe('3 sessions, 7 messages, no damage\n')
  })
})
