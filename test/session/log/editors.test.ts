/** Real editors that save a log while a bot appends to it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { LostReport } from '../../../src/index.js'
import { contents, fill, message, open, SOAK, sleep, tempFolder, until } from '../../helpers/store.js'
import { hasProgram } from '../../sync/machines.js'

const SAVES = SOAK ? 200 : 6

/** Runs a program to its end; when it has shown `screen`, `keys` are typed into it, one after the other. */
async function run(program: string, args: readonly string[], keys: readonly string[], screen = ''): Promise<void> {
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TERM: 'xterm' },
    timeout: 30_000,
    killSignal: 'SIGKILL',
  })
  const end = once(child, 'exit')
  let shown = ''
  child.stdout.on('data', (text) => {
    shown += text
  })
  await until(() => shown.includes(screen) || child.exitCode !== null, 20_000)
  // an editor that has ended does not read what is still typed
  child.stdin.on('error', () => {})
  for (const key of keys) {
    await sleep(60)
    child.stdin.write(key)
  }
  const [code] = await end
  if (code !== 0) throw new Error(`${program} ended with ${code}`)
}

/** Changes the word in the first message, which it read a moment before, and says yes to saving a file that has changed. Without backupskip it saves otherwise in a temporary folder. */
function vim(file: string, word: string, how: string): Promise<void> {
  const commands = [`set backupskip= writebackup backupcopy=${how}`, `edit! ${file}`, 'sleep 20m']
  commands.push(`%s/"content":"first[^"]*"/"content":"first ${word}"/`, 'write!', 'qa!')
  return run(
    'vim',
    ['-es', '-u', 'NONE', '-i', 'NONE', '-n', ...commands.flatMap((command) => ['-c', command])],
    ['y\n'],
  )
}

/** Adds an empty line at the top. A key that comes before the first screen is read as another. What it asks when the file has changed is answered; if it does not ask, the answer is not saved. */
function nano(file: string): Promise<void> {
  return run('script', ['-qec', `nano -I ${file}`, '/dev/null'], ['\r', '\x0f', '\r', 'Y', '\x18', 'n'], 'GNU nano')
}

const EDITORS: Array<[string, string[], (file: string, round: number) => Promise<void>, (log: string) => boolean]> = [
  ['vim, which saves by renaming', ['vim'], (file, round) => vim(file, `${round}`, 'no'), hasLastWord],
  ['vim, which saves in place', ['vim'], (file, round) => vim(file, `${round}`, 'yes'), hasLastWord],
  ['nano', ['nano', 'script'], nano, (log) => log.startsWith('\n')],
]

function hasLastWord(log: string): boolean {
  return log.includes(`"content":"first ${SAVES - 1}"`)
}

describe('an editor that saves a log again and again while a bot appends', () => {
  for (const [name, programs, edit, isEdited] of EDITORS) {
    const missing = programs.find((program) => !hasProgram(program))
    const title = missing === undefined ? name : `${name} (skipped: ${missing} is not installed)`
    test.skipIf(missing !== undefined)(
      `${title}: what was acknowledged is there or reported, the edit holds`,
      async () => {
        const lost: LostReport[] = []
        const store = await open(tempFolder(), { onLost: (report) => lost.push(report) })
        const session = await fill(store, 'a', ['first'])
        const acknowledged: string[] = []
        let editing = true
        const bot = (async () => {
          for (let i = 0; editing; i++) {
            await session.append(message(`mine ${i}`))
            acknowledged.push(`mine ${i}`)
            await sleep(2)
          }
        })()
        const inodes = new Set([fs.statSync(session.path).ino])
        const rounds = name === 'nano' ? Math.ceil(SAVES / 3) : SAVES
        for (let round = 0; round < rounds; round++) {
          await edit(session.path, round)
          inodes.add(fs.statSync(session.path).ino)
        }
        editing = false
        await bot
        expect(inodes.size > 1).toBe(name.includes('renaming'))
        expect(isEdited(fs.readFileSync(session.path, 'utf8'))).toBe(true)
        await session.append(message('last'))
        expect(acknowledged.length).toBeGreaterThan(20)
        const there = new Set(await contents(session))
        const away = acknowledged.filter((text) => !there.has(text))
        const kept = lost.map((report) => fs.readFileSync(report.kept, 'utf8')).join('')
        expect(away.filter((text) => !kept.includes(`"${text}"`))).toEqual([])
        for (const report of lost) await session.merge(report.kept)
        const texts = await contents(session)
        expect(texts.filter((text) => String(text).startsWith('mine')).sort()).toEqual(acknowledged.sort())
        expect((await session.info())?.messages).toBe(texts.length)
        expect(await session.check()).toMatchObject({ damage: [], torn: null })
        if (SOAK)
          console.log(`${name}: ${rounds} saves, ${acknowledged.length} appends, ${away.length} reported as lost`)
      },
      600_000,
    )
  }
})
