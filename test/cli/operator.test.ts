import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { openStore, type SessionStore } from '../../src/index.js'
import { ended, RemoteStore } from '../helpers/child.js'
import { fill, until } from '../helpers/store.js'
import { folder, MAIN, type RunOptions, run, runAll, start } from './run.js'

// Every test starts a few processes, on machines that are busy with other tests.
vi.setConfig({ testTimeout: 60_000 })

const HOUR = 3_600_000
const HOSTILE = 'x"; touch pwned; $(touch pwned) `touch pwned`\n\x1b[2J'

let dir: string
let root: string

beforeEach(async () => {
  dir = await folder()
  root = join(dir, 'sessions')
})

const cli = (args: string[], options: RunOptions = {}) => run([...args, '--root', root], options)
const linesIn = (text: string) => text.split('\n').slice(0, -1)

/** Works on the store as a bot would, at a time of `age` ms ago. */
async function bot<T>(work: (store: SessionStore) => Promise<T>, age = 0): Promise<T> {
  const store = await openStore(root, { now: () => Date.now() - age })
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

/** A bot whose process was killed in the middle of a turn. */
async function crash(keys: readonly string[]): Promise<RemoteStore> {
  const remote = await RemoteStore.open(root)
  for (const key of keys) {
    await remote.append(key, 'hello?')
    await remote.call('setState', key, 'running', 'turn-1')
  }
  remote.kill('SIGKILL')
  await ended(remote.child)
  return remote
}

/** `watch`, which is ended with the test. */
async function watch(args: string[], options: RunOptions = {}) {
  const running = start(['watch', ...args, '--root', root], options)
  let out = ''
  running.child.stdout.on('data', (text) => {
    out += text
  })
  onTestFinished(() => void running.child.kill('SIGKILL'))
  await running.says('watching')
  return { ...running, out: () => out }
}

describe('running and stuck', () => {
  test('an empty store and a missing one', async () => {
    expect(await cli(['running'])).toMatchObject({ code: 0, out: '' })
    await bot((store) => fill(store, 'a', ['1']))
    expect(await cli(['running'])).toMatchObject({ code: 0, out: '', err: 'nothing runs\n' })
    expect(await cli(['stuck'])).toMatchObject({ code: 0, out: '', err: 'nothing is stuck\n' })
    expect(JSON.parse((await cli(['stuck', '--json'])).out)).toEqual({ root, sessions: [] })
  })

  test('name turn, time and process; stuck turns make the exit code 1', async () => {
    await bot(async (store) => (await fill(store, HOSTILE, ['1'])).setState('running', 'long'), 10 * 60_000)
    await bot(async (store) => (await fill(store, 'short', ['1'])).setState('running', 't'))
    const { child } = await crash(['dead'])
    const running = await cli(['running'])
    expect(running.code).toBe(0)
    expect(running.out).not.toContain('\x1b')
    expect(linesIn(running.out)).toHaveLength(4)
    expect(running.out).toMatch(/long +10 min +\d+ on /)
    expect(running.out).toContain(`${child.pid} on `)
    const stuck = await cli(['stuck'])
    expect(stuck.code).toBe(1)
    expect(linesIn(stuck.out)).toHaveLength(3)
    expect(stuck.out).toMatch(/long +10 min .* too-long/)
    expect(stuck.out).toMatch(/dead +turn-1 .*, dead +owner-dead/)
    const { sessions } = JSON.parse((await cli(['stuck', '--older', '1h', '--json'])).out)
    expect(sessions).toMatchObject([{ key: 'dead', turnId: 'turn-1', reason: 'owner-dead', owner: { pid: child.pid } }])
  })
})

describe('watch', () => {
  test('prints every event on a line, and --exec runs a command that hostile keys cannot change', async () => {
    const remote = await RemoteStore.open(root)
    await remote.call('setState', HOSTILE, 'running', '$(touch pwned)')
    const script = join(dir, 'alarm.txt')
    const command = `printf '%s|' "$JSONL_SESSIONS_KEY" "$JSONL_SESSIONS_TURN_ID" "$JSONL_SESSIONS_REASON" >> '${script}'`
    const { child, done, out } = await watch(['--exec', command], { cwd: dir })
    await until(() => out().includes('started'))
    remote.kill('SIGKILL')
    await until(() => existsSync(script) && readFileSync(script, 'utf8').split('|').length > 3)
    expect(readFileSync(script, 'utf8')).toBe(`${HOSTILE}|$(touch pwned)|owner-dead|`)
    child.kill('SIGTERM')
    const result = await done
    expect(result.code).toBe(0)
    expect(result.out).toMatch(/^[\d:]+ started .*\n[\d:]+ stuck .* after \d+ s: owner-dead\n$/)
    expect(result.out).not.toContain('\x1b')
    expect(existsSync(join(dir, 'pwned'))).toBe(false)
  })

  test('--json prints one object per event, and Ctrl-C is 130', async () => {
    await bot((store) => fill(store, 'a', ['1']))
    const { child, done, out } = await watch(['--json', '--older', '1s'])
    await bot(async (store) => {
      await store.session('a').setState('running', 't')
      await until(() => out().includes('too-long'))
      await store.session('a').setState('error')
      await until(() => out().includes('finished'))
    })
    child.kill('SIGINT')
    expect((await done).code).toBe(130)
    const events = linesIn(out()).map((line) => JSON.parse(line))
    expect(events.map(({ type }) => type)).toEqual(['started', 'stuck', 'finished'])
    expect(events[1]).toMatchObject({ key: 'a', turnId: 't', reason: 'too-long', owner: { pid: process.pid } })
    expect(Date.parse(events[1].at)).toBeGreaterThan(Date.parse(events[1].since))
  })

  test('a command that fails is reported, and watching continues', async () => {
    await crash(['a'])
    const { says, child, done } = await watch(['--exec', 'exit 3'])
    await says('--exec: exit code 3')
    expect(child.exitCode).toBe(null)
    child.kill('SIGTERM')
    expect((await done).code).toBe(0)
  })

  test('a terminal shows what runs', () => {
    const script = `
      import { openStore } from ${JSON.stringify(new URL('../../dist/lib/index.js', import.meta.url).href)}
      const store = await openStore(${JSON.stringify(root)})
      await store.session('telegram_ann').setState('running', 'turn-7')
      process.kill(process.pid, 'SIGKILL')`
    spawnSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 30_000 })
    const command = `timeout -s INT 3 ${process.execPath} ${MAIN} watch --root ${root}`
    const { stdout, error } = spawnSync('script', ['-qec', command, '/dev/null'], {
      env: { PATH: process.env.PATH, TERM: 'xterm' },
      timeout: 30_000,
    })
    if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return
    const shown = stdout.toString()
    expect(shown).toMatch(/telegram_ann.* turn-7/)
    expect(shown).toContain('RUNNING FOR')
    expect(shown).toContain('owner-dead')
  })
})

describe('recover', () => {
  test('reports, acts with --as, once', async () => {
    const { child } = await crash(['a'])
    const dry = await cli(['recover'])
    expect(dry).toMatchObject({ code: 0 })
    expect(dry.out).toMatch(new RegExp(`^a: turn turn-1, .* process ${child.pid} on .* is dead; .*unanswered\n$`))
    expect(dry.err).toBe('nothing was done: --as error, interrupt or idle ends these turns\n')
    const done = await cli(['recover', '--as', 'error'])
    expect(done.out).toBe(
      `${dry.out.trimEnd().replace(/begun \d+ s/, /begun \d+ s/.exec(done.out)![0])}; now in state error\n`,
    )
    expect(await cli(['recover'])).toMatchObject({ code: 0, out: '', err: 'no turn was cut off\n' })
    expect(await bot((store) => store.session('a').state())).toMatchObject({ state: 'error', turnId: 'turn-1' })
  })

  test('--as interrupt and --json', async () => {
    await crash(['a'])
    const { out } = await cli(['recover', '--as', 'interrupt', '--json'])
    const { runs, dryRun, failed } = JSON.parse(out)
    expect(runs).toMatchObject([{ key: 'a', reason: 'owner-dead', unanswered: true, ended: 'interrupt' }])
    expect([dryRun, failed]).toEqual([false, []])
    expect((await bot((store) => store.session('a').state()))?.state).toBe('idle')
  })
})

describe('cleanup and the trash', () => {
  async function three(): Promise<void> {
    await bot((store) => fill(store, 'old', ['1']), 100 * HOUR)
    await bot((store) => fill(store, 'older', ['1']), 200 * HOUR)
    await bot(async (store) => (await fill(store, 'kept', ['1'])).tag(['pinned']), 300 * HOUR)
    await bot((store) => fill(store, 'new', ['1']))
  }

  test('a dry run reports, a run moves to the trash, and restore brings back', async () => {
    await three()
    const dry = await cli(['cleanup', '--ttl', '72h', '--dry-run'])
    expect(dry).toMatchObject({ code: 0, out: 'older\nold\n', err: '2 sessions would go to the trash\n' })
    const done = await cli(['cleanup', '--ttl', '72h'])
    expect(done).toMatchObject({ code: 0, out: 'older\nold\n', err: '2 sessions moved to the trash\n' })
    expect(await bot((store) => store.keys())).toEqual(['kept', 'new'])
    const listed = await cli(['trash', 'list'])
    expect(linesIn(listed.out)).toHaveLength(3)
    const { entries } = JSON.parse((await cli(['trash', 'list', '--json'])).out)
    expect(entries.map(({ key }: { key: string }) => key).sort()).toEqual(['old', 'older'])
    expect(await cli(['trash', 'restore', 'old', 'nothing'])).toMatchObject({
      code: 3,
      out: 'restored old\n',
    })
    const { id } = entries.find(({ key }: { key: string }) => key === 'older')
    expect(await cli(['trash', 'restore', id])).toMatchObject({ code: 0, out: 'restored older\n' })
    expect(await bot((store) => store.keys())).toEqual(['kept', 'new', 'old', 'older'])
  })

  test('by number and by size', async () => {
    await three()
    expect((await cli(['cleanup', '--max-sessions', '3', '--dry-run'])).out).toBe('older\n')
    expect(
      (await cli(['cleanup', '--max-bytes', '1KB', '--down-to-bytes', '0', '--min-age', '1h', '--json'])).out,
    ).toBe(`${JSON.stringify({ root, dryRun: false, removed: [], failed: [] })}\n`)
    expect((await cli(['cleanup', '--max-bytes', '0', '--keep', 'none', '--min-age', '1h'])).out).toBe(
      'kept\nolder\nold\n',
    )
  })

  test('purge deletes for good, by its own age, and asks first', async () => {
    await three()
    await cli(['cleanup', '--ttl', '72h'])
    expect((await cli(['trash', 'purge', '--older-than', '1h', '--yes'])).out).toBe('')
    expect(await cli(['trash', 'purge', '--older-than', '0'])).toMatchObject({ code: 2, out: '' })
    expect(linesIn((await cli(['trash', 'purge', '--older-than', '0', '--dry-run'])).out)).toHaveLength(2)
    const { out, code } = await cli(['trash', 'purge', '--older-than', '0', '--yes'])
    expect([code, linesIn(out).length]).toEqual([0, 2])
    expect((await cli(['trash', 'list'])).err).toBe('the trash is empty\n')
  })
})

test('wrong usage is 2, one line on stderr', async () => {
  const all = [
    ['cleanup'],
    ['cleanup', '--ttl', '72'],
    ['cleanup', '--ttl', '-1h'],
    ['cleanup', '--max-bytes', '5 MB'],
    ['cleanup', '--max-sessions', '5', '--down-to-bytes', '1'],
    ['cleanup', '--max-bytes', '5', '--down-to-bytes', '6'],
    ['stuck', '--older', 'soon'],
    ['watch', '--exec', ''],
    ['recover', '--as', 'resumed'],
    ['trash', 'purge'],
    ['trash', 'restore'],
    ['trash', 'empty'],
  ]
  const results = await runAll(all)
  results.forEach(({ code, out, err }, i) => {
    expect([all[i], code, out]).toEqual([all[i], 2, ''])
    expect(err).toMatch(/^jsonl-sessions: [^\n]+\n$/)
  })
})
