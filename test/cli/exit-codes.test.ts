/** The exit codes of every command: none is left out. */
import path from 'node:path'
import { expect, test } from 'vitest'
import { openStore } from '../../src/index.js'
import { tempFolder } from '../helpers/store.js'
import { run, runAll, runAlone } from './run.js'

/** For each command: arguments that name what is not there, and the exit code; 0 where that is no failure. */
const MISSING: Record<string, [code: number, ...args: string[]]> = {
  list: [0, '--tag', 'none'],
  show: [3, 'x'],
  tail: [3, 'x'],
  search: [0, 'nowhere'],
  stats: [3, 'x'],
  path: [3, 'x'],
  serve: [3, '--root', 'nowhere'],
  tag: [3, 'x', 'work'],
  untag: [3, 'x', 'work'],
  rename: [3, 'x', 'name'],
  fork: [3, 'x'],
  rewind: [3, 'ann', '--to', 'x'],
  restore: [3, 'ann', 'x'],
  edit: [3, 'x'],
  compact: [3, 'x', '--summary', 'text', '--keep', '1'],
  rewrite: [3, 'x'],
  redact: [3, 'x', '--pattern', 'a'],
  rm: [3, 'x', '--yes'],
  running: [0],
  stuck: [0],
  watch: [3, '--root', 'nowhere'],
  recover: [3, '--root', 'nowhere'],
  cleanup: [3, '--ttl', '1d', '--root', 'nowhere'],
  trash: [3, 'restore', 'x'],
  quarantine: [3, 'restore', 'x'],
  purge: [3, '--older-than', '1d', '--yes', '--root', 'nowhere'],
  check: [3, 'x'],
  index: [3, '--root', 'nowhere'],
  usage: [3, 'x'],
  import: [3, 'nowhere.jsonl'],
  export: [3, 'x', '--format', 'markdown'],
  init: [0],
  merge: [3, 'nowhere.jsonl'],
  hold: [1, '--', 'no-such-program'],
  bot: [3, 'nowhere.jsonl'],
  graph: [3, 'x'],
  blobs: [3, 'x'],
  gc: [3, 'x'],
  vacuum: [3, 'x'],
  completion: [2, 'tcsh'],
  help: [2, 'x'],
}

async function storeWithAnn(): Promise<{ cwd: string }> {
  const cwd = tempFolder()
  const store = await openStore(`${cwd}/sessions`)
  await store.session('ann').append({ role: 'user', content: 'hello' })
  await store.close()
  return { cwd }
}

/** Some at a time: each is a process. */
async function inBatches<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let i = 0; i < items.length; i += 8) results.push(...(await Promise.all(items.slice(i, i + 8).map(work))))
  return results
}

test('every command that the help names has a row here', async () => {
  const { out } = await run(['complete', 'commands'])
  expect(Object.keys(MISSING).sort()).toEqual(out.trim().split('\n').sort())
})

test('what is not there is 3, with one line on standard error', { timeout: 180_000 }, async () => {
  const { cwd } = await storeWithAnn()
  const ends = await inBatches(Object.entries(MISSING), async ([name, [, ...args]]) => {
    const { code, err } = await runAlone([name, ...args], { cwd })
    return { name, code, said: code === 0 ? null : err }
  })
  const oneLine = expect.stringMatching(/^jsonl-sessions: [^\n]+\n$/)
  expect(ends).toEqual(Object.entries(MISSING).map(([name, [code]]) => ({ name, code, said: code ? oneLine : null })))
})

test('an option that a command does not have is 2', async () => {
  const { cwd } = await storeWithAnn()
  const commands = Object.keys(MISSING)
  const ends = await runAll(
    commands.map((name) => [name, '--nonsense']),
    { cwd },
  )
  // one that is required is named first
  const wrong = expect.stringMatching(/^jsonl-sessions: (unknown option '--nonsense'|required option '[^\n]+)\n$/)
  expect(ends.map((end, i) => ({ name: commands[i], ...end }))).toEqual(
    commands.map((name) => ({ name, code: 2, out: '', err: wrong })),
  )
})

test('a file in the place of the folder is named', async () => {
  const { cwd } = await storeWithAnn()
  const file = path.join(cwd, 'sessions', 'ann.jsonl')
  for (const args of [['list'], ['show', 'ann'], ['stats'], ['check'], ['tag', 'ann', 'work']]) {
    const { code, out, err } = await run(['--root', file, ...args], { cwd })
    expect({ args, code, out, err }).toEqual({
      args,
      code: 1,
      out: '',
      err: expect.stringContaining(`${file} is not a folder`),
    })
  }
})
