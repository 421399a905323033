/** Folders that are synced while a bot writes to them. */
import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { type LostReport, openStore, type SessionStore } from '../../src/index.js'
import { MAIN } from '../cli/run.js'
import { message, open, randomOf, SOAK, sleep, tempFolder, until } from '../helpers/store.js'
import { type Clone, clones, ENV, hasProgram } from './machines.js'

const KEYS = ['ann', 'bob', 'cem', 'dana', 'eve']
const run = promisify(execFile)

/** Runs a shell script in a folder without holding the event loop. */
async function shell(folder: string, script: string): Promise<string> {
  const { stdout, stderr } = await run('sh', ['-ec', script], {
    cwd: folder,
    env: { ...ENV, NODE: process.execPath, CLI: MAIN },
    timeout: 60_000,
  })
  return stdout + stderr
}

describe.skipIf(!hasProgram('git'))('a bot at 200 messages a second', () => {
  const SECONDS = SOAK ? 60 : 3

  test(`and a second clone that pushes and pulls every second, for ${SECONDS} s: nothing is lost on either side`, async () => {
    const [here, there] = clones(2) as [Clone, Clone]
    const lost: LostReport[] = []
    const bot = await open(here.root, { onLost: (report) => lost.push(report) })
    const other = await open(there.root)
    const sent = { here: new Set<string>(), there: new Set<string>() }
    let isOver = false

    const writing = (async () => {
      const start = performance.now()
      const pending: Array<Promise<unknown>> = []
      for (let n = 0; !isOver; n++) {
        const key = KEYS[n % KEYS.length] as string
        pending.push(
          bot
            .session(key)
            .append(message(`here ${n}`))
            .then((id) => sent.here.add(`${key} ${id}`)),
        )
        await sleep(Math.max(0, start + n * 5 - performance.now()))
      }
      await Promise.all(pending)
    })()

    const onPull =
      'git add --all; git commit --quiet --allow-empty --message sync; git pull --quiet --no-rebase --no-edit origin main'
    const push = 'git push --quiet origin HEAD:main'
    const syncHere = () =>
      shell(here.folder, `"$NODE" "$CLI" hold --root sessions -- sh -ec '${onPull}'; ${push} || true`)
    const syncThere = () => shell(there.folder, `${onPull}; ${push} || true`)
    const everySecond = async (work: () => Promise<unknown>) => {
      while (!isOver) {
        const next = performance.now() + 1_000
        await work()
        await sleep(Math.max(0, next - performance.now()))
      }
    }
    const syncing = [
      everySecond(syncHere),
      everySecond(async () => {
        for (const key of KEYS) sent.there.add(`${key} ${await other.session(key).append(message('there'))}`)
        await syncThere()
      }),
    ]
    await sleep(SECONDS * 1_000)
    // a busy machine takes longer
    await until(() => sent.here.size > SECONDS * 150, 60_000)
    isOver = true
    await Promise.all([writing, ...syncing])

    for (const sync of [syncHere, syncThere, syncHere]) await sync()
    expect(there.logs()).toEqual(here.logs())
    expect(lost).toEqual([])
    expect(sent.here.size).toBeGreaterThan(SECONDS * 150)
    const all = await idsIn(bot)
    expect(all.length).toBe(new Set(all).size)
    expect(new Set(all)).toEqual(new Set([...sent.here, ...sent.there]))
  }, 300_000)
})

async function idsIn(store: SessionStore): Promise<string[]> {
  const ids: string[] = []
  for (const key of KEYS) for (const { id } of await store.session(key).messages()) ids.push(`${key} ${id}`)
  return ids
}

describe.skipIf(!hasProgram('rsync'))('rsync while a bot writes', () => {
  const COPIES = SOAK ? 200 : 15
  const LOGS = "--include='*.jsonl' --exclude='*'"

  test.each([
    ['--recursive --times', true],
    ['--recursive --times --inplace', true],
    ['--recursive --times --append-verify', false],
  ])(
    `${COPIES} copies with %s: each opens, with all that was written before it`,
    async (flags, rewrites) => {
      const store = await open(path.join(tempFolder(), 'sessions'))
      const target = tempFolder()
      const written = new Map(KEYS.map((key) => [key, [] as string[]]))
      for (const key of KEYS) written.get(key)?.push(String(await store.session(key).append(message('first'))))
      let isOver = false
      const writing = (async () => {
        for (let n = 0; !isOver; n++) {
          const key = KEYS[n % KEYS.length] as string
          const text = `${n} ${'Zwölf Boxkämpfer '.repeat(n % 40)}`
          written.get(key)?.push(await store.session(key).append(message(text)))
          if (rewrites && n % 50 === 49) {
            await store.session(key).removeLast()
            written.get(key)?.pop()
            await store.session(key).rewrite()
          }
          if (n % 20 === 0) await sleep(1)
        }
      })()
      const random = randomOf(8)
      for (let copy = 0; copy < COPIES; copy++) {
        await sleep(random() * 30)
        const before = new Map([...written].map(([key, ids]) => [key, ids.length - (rewrites ? 1 : 0)]))
        await shell(tempFolder(), `rsync ${flags} ${LOGS} '${store.dir}/' '${target}/'`)
        const copied = await openStore(target)
        for (const key of KEYS) {
          const report = await copied.session(key).check()
          expect(report?.damage, `${copy} ${key}`).toEqual([])
          const ids = (await copied.session(key).messages()).map(({ id }) => String(id))
          // what is taken back while it is copied may be there or not, as the last one
          const known = written.get(key)?.slice(0, ids.length - 1)
          expect(ids.slice(0, -1), `${copy} ${key}`).toEqual(known)
          expect(ids.length, `${copy} ${key}`).toBeGreaterThanOrEqual(before.get(key) as number)
        }
        await copied.close()
        fs.rmSync(path.join(target, '.locks'), { recursive: true, force: true })
      }
      isOver = true
      await writing
      await shell(tempFolder(), `rsync ${flags} ${LOGS} '${store.dir}/' '${target}/'`)
      for (const key of KEYS) {
        const [from, to] = [store.dir, target].map((folder) => fs.readFileSync(path.join(folder, `${key}.jsonl`)))
        expect(to?.equals(from as Buffer)).toBe(true)
      }
    },
    SOAK ? 1_200_000 : 300_000,
  )
})
