/** Files and folders that a user may not read or write: an error with its code, no change, never "empty". */
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { thisProcess } from '../../src/disk/process-identity.js'
import { openStore } from '../../src/index.js'
import { messageOf, start } from '../helpers/child.js'
import { buildForAll, IS_ROOT, NOBODY } from '../helpers/other-user.js'
import { contents, fill, message, open, tempFolder } from '../helpers/store.js'

const SKIPPED = IS_ROOT ? '' : ' (skipped: only root can become a user without rights)'

const OF_LOG = ['messages', 'tail', 'info', 'check']
const READS: unknown[][] = [['messages'], ['tail', 1], ['info'], ['check'], ['search', 'two'], ['keys'], ['list']]
const APPENDS: unknown[][] = [['append', message('new')], ['setName', 'n'], ['removeLast']]
const OTHERS: unknown[][] = [['setState', 'running', 't'], ['rewrite'], ['fork', 'a', { as: 'c' }]]
const WRITES = ['append', 'setName', 'removeLast', 'setState', 'rewrite', 'fork']
/** An append to a session that is there needs no right but that to its log. */
const IN_FOLDER = WRITES.filter((call) => call !== 'append')
const LEASED = IN_FOLDER.filter((call) => call !== 'setState')

interface Case {
  make: (folder: string) => void
  /** The calls that fail, all with EACCES; `open` stands for all. */
  refused: string[]
}

const CASES: Record<string, Case> = {
  'a log of mode 000': {
    make: (folder) => fs.chmodSync(`${folder}/a.jsonl`, 0),
    refused: [...OF_LOG, ...WRITES],
  },
  'a log of mode 000 without a sidecar': {
    make: (folder) => {
      fs.rmSync(`${folder}/a.meta.json`)
      fs.chmodSync(`${folder}/a.jsonl`, 0)
    },
    refused: [...OF_LOG, ...WRITES],
  },
  'a log of another owner': {
    make: (folder) => fs.chownSync(`${folder}/a.jsonl`, 0, 0),
    refused: [...OF_LOG, ...WRITES],
  },
  'a read-only log': {
    make: (folder) => fs.chmodSync(`${folder}/a.jsonl`, 0o400),
    refused: ['append', 'setName', 'removeLast', 'rewrite'],
  },
  'a log of another owner that all may read': {
    make: (folder) => {
      fs.chownSync(`${folder}/a.jsonl`, 0, 0)
      fs.chmodSync(`${folder}/a.jsonl`, 0o644)
    },
    refused: ['append', 'setName', 'removeLast', 'rewrite'],
  },
  'a sidecar of mode 000': {
    make: (folder) => {
      give(`${folder}/.running`)
      fs.chmodSync(`${folder}/a.meta.json`, 0)
    },
    // its run state is not taken for none
    refused: ['setState'],
  },
  'a read-only folder': {
    make: (folder) => fs.chmodSync(folder, 0o500),
    refused: IN_FOLDER,
  },
  'a read-only folder of locks, with the lock of a dead process': {
    make: (folder) => {
      const lock = `${folder}/.locks/a`
      give(lock)
      fs.writeFileSync(`${lock}/0123456789abcdef`, JSON.stringify({ ...thisProcess(), pid: 2 ** 22 - 1 }))
      for (const place of [lock, `${folder}/.locks`]) fs.chmodSync(place, 0o500)
    },
    refused: LEASED,
  },
  'folders of locks and trash of mode 000': {
    make: (folder) => {
      for (const name of ['.locks', '.trash']) {
        give(`${folder}/${name}`)
        fs.chmodSync(`${folder}/${name}`, 0)
      }
    },
    refused: LEASED,
  },
  'a quarantine that takes nothing': {
    make: (folder) => {
      fs.appendFileSync(`${folder}/a.jsonl`, 'damage\n')
      give(`${folder}/.quarantine`)
      fs.chmodSync(`${folder}/.quarantine`, 0o500)
    },
    refused: ['rewrite'],
  },
  'a folder of mode 000': { make: (folder) => fs.chmodSync(folder, 0), refused: ['open'] },
  'a folder below one of mode 000': { make: (folder) => fs.chmodSync(path.dirname(folder), 0), refused: ['open'] },
  'a folder that all may write to': { make: (folder) => fs.chmodSync(folder, 0o777), refused: [] },
}

/** Makes a folder of the user without rights. */
function give(folder: string): void {
  fs.mkdirSync(folder, { recursive: true })
  for (const place of [path.dirname(folder), folder]) fs.chownSync(place, NOBODY, NOBODY)
}

/** A store of that user: session `a` with `one` and `two`, and something to rewrite, session `b`, and no process at work. */
async function storeOfNobody(): Promise<string> {
  const folder = path.join(tempFolder(), 'sessions')
  const store = await openStore(folder)
  await fill(store, 'a', ['one', 'two', 'three'])
  await store.session('a').removeLast()
  await store.session('a').setState('error', 't')
  await fill(store, 'b', ['other'])
  await store.close()
  fs.chmodSync(path.dirname(folder), 0o755)
  fs.rmSync(`${folder}/.locks`, { recursive: true })
  give(folder)
  fs.rmSync(`${folder}/.running`, { recursive: true, force: true })
  for (const file of fs.readdirSync(folder)) fs.chownSync(`${folder}/${file}`, NOBODY, NOBODY)
  return folder
}

async function asNobody(folder: string, calls: unknown[][], options = {}): Promise<Record<string, unknown>> {
  const child = start(build.script('other-user.mjs'), [
    ...[folder, `${NOBODY}`, JSON.stringify(calls), JSON.stringify(options)],
  ])
  return messageOf<Record<string, unknown>>(child)
}

const codeIn = (value: unknown) => (value as { code?: unknown } | null)?.code

const build = buildForAll(['other-user.mjs'])

describe.skipIf(!IS_ROOT)(`for a user without rights${SKIPPED}`, () => {
  test.each(Object.entries(CASES))('%s', async (_, { make, refused }) => {
    const folder = await storeOfNobody()
    make(folder)
    const outcome = await asNobody(folder, [...READS, ...APPENDS, ...OTHERS])
    const failed = Object.entries(outcome).filter(([, value]) => codeIn(value) !== undefined)
    expect(failed.map(([call, value]) => `${call} ${codeIn(value)}`)).toEqual(refused.map((call) => `${call} EACCES`))
    for (const place of [path.dirname(folder), folder]) fs.chmodSync(place, 0o700)
    const store = await open(folder)
    const stays = refused.includes('removeLast') && !refused.includes('append')
    expect(await contents(store.session('a'))).toEqual(['one', 'two', ...(stays ? ['new'] : [])])
    expect((await store.keys()).filter((key) => key !== 'c')).toEqual(['a', 'b'])
    if (codeIn(outcome.setState) !== undefined && fs.existsSync(`${folder}/a.meta.json`))
      expect(await store.session('a').state()).toMatchObject({ state: 'error', turnId: 't' })
    const left = fs.readdirSync(folder).filter((name) => name.endsWith('.tmp'))
    expect(left).toEqual([])
  })

  test('a sidecar that root makes belongs to the owner of the log', async () => {
    const folder = await storeOfNobody()
    fs.rmSync(`${folder}/a.meta.json`)
    const store = await openStore(folder)
    await store.session('a').setState('error', 'u')
    await store.close()
    expect(fs.statSync(`${folder}/a.meta.json`).uid).toBe(NOBODY)
    give(`${folder}/.running`)
    expect(codeIn((await asNobody(folder, [['setState', 'idle']])).setState)).toBe(undefined)
  })

  test.each(['everysec', 'always'])("a folder below one that it can only enter, with fsync '%s'", async (fsync) => {
    const folder = path.join(tempFolder(), 'sessions')
    fs.mkdirSync(folder)
    fs.chownSync(folder, NOBODY, NOBODY)
    fs.chmodSync(path.dirname(folder), 0o711)
    const calls = [['append', message('first')], ['messages'], ['fork', 'a', { as: 'b' }]]
    const outcome = await asNobody(folder, calls, { fsync })
    expect(Object.entries(outcome).filter(([, value]) => codeIn(value) !== undefined)).toEqual([])
    const store = await open(folder)
    expect(await contents(store.session('a'))).toEqual(['first'])
    expect(await store.keys()).toEqual(['a', 'b'])
  })
})
