import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { openStore } from '../../src/index.js'
import { filesIn, locksIn, message, SOAK, sleep, tempFolder, until } from '../helpers/store.js'

interface Step {
  op: 'append' | 'batch' | 'remove' | 'removeLast' | 'name' | 'rewrite' | 'delete' | 'cleanup' | 'restore' | 'state'
  key: string
  texts: string[]
}

/** What a key holds: its messages, and those of its lives in the trash, the oldest first. */
interface Life {
  live: string[] | null
  trash: string[][]
}

type World = Map<string, Life>

/** The state after a step. */
function after(world: World, { op, key, texts }: Step): World {
  const next = structuredClone(world)
  const life = next.get(key) ?? { live: null, trash: [] }
  if (op !== 'cleanup') next.set(key, life)
  if (op === 'append' || op === 'batch') life.live = [...(life.live ?? []), ...texts]
  else if (op === 'remove') life.live = life.live?.filter((text) => !texts.includes(text)) ?? null
  else if (op === 'removeLast') life.live = life.live?.slice(0, -1) ?? null
  else if (op === 'name' || op === 'state') life.live ??= []
  else if (op === 'delete') life.live = null
  else if (op === 'restore') life.live = life.trash.pop() ?? null
  else if (op === 'cleanup') {
    for (const one of next.values()) {
      if (one.live !== null) one.trash.push(one.live)
      one.live = null
    }
  }
  return next
}

/** All that a key may be when the last step was cut off. */
function possible(before: World, step: Step | undefined, key: string): Life[] {
  const old = before.get(key) ?? { live: null, trash: [] }
  if (step === undefined) return [old]
  const applied = after(before, step).get(key) ?? { live: null, trash: [] }
  // of several lines of one write a crash may leave the first ones
  const prefixes = step.op === 'batch' && step.key === key ? step.texts.map((_, i) => step.texts.slice(0, i + 1)) : []
  return [old, applied, ...prefixes.map((texts) => ({ ...old, live: [...(old.live ?? []), ...texts] }))]
}

async function read(folder: string): Promise<World> {
  const store = await openStore(folder)
  const world: World = new Map()
  for (const { key, messages, damaged } of await store.list()) {
    const texts = (await store.session(key).messages()).map(({ content }) => String(content).split(' ')[0]!)
    expect(messages).toBe(texts.length)
    expect(damaged).toBe(0)
    expect((await store.session(key).check())?.damage).toEqual([])
    world.set(key, { live: texts, trash: [] })
  }
  for (const { id, key } of [...(await store.trash())].reverse()) {
    const [name] = fs.readdirSync(path.join(folder, '.trash')).filter((entry) => entry.endsWith(id))
    const [log] = fs.readdirSync(path.join(folder, '.trash', name!)).filter((file) => file.endsWith('.jsonl'))
    const copy = fs.mkdtempSync(`${folder}-trash-`)
    fs.copyFileSync(path.join(folder, '.trash', name!, log!), path.join(copy, log!))
    const other = await openStore(copy)
    const texts = (await other.session(key).messages()).map(({ content }) => String(content).split(' ')[0]!)
    await other.close()
    fs.rmSync(copy, { recursive: true })
    const life = world.get(key) ?? { live: null, trash: [] }
    life.trash.push(texts)
    world.set(key, life)
  }
  await store.close()
  return world
}

test('killed at any moment: what was acknowledged is there, once; the rest is there or not; leftovers are removed', async () => {
  const top = tempFolder()
  const folder = path.join(top, 'sessions')
  const log = path.join(top, 'steps')
  const rounds = SOAK ? 400 : 6
  let world: World = new Map()
  let steps = 0
  const cut: Record<string, number> = {}
  for (let round = 0; round < rounds; round++) {
    fs.writeFileSync(log, '')
    const script = new URL('../processes/churn.mjs', import.meta.url).pathname
    const child = spawn(process.execPath, [script, folder, log, String(round)], {
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: 30_000,
    })
    const ended = once(child, 'exit')
    await until(() => fs.statSync(log).size > 0 || child.exitCode !== null)
    await sleep(((round * 37) % 100) + 10)
    child.kill('SIGKILL')
    expect((await ended)[1]).toBe('SIGKILL')
    const lines = fs.readFileSync(log, 'utf8').split('\n').slice(0, -1)
    let open: Step | undefined
    for (const line of lines) {
      if (line === 'ok') {
        world = after(world, open!)
        open = undefined
        steps++
      } else open = JSON.parse(line)
    }
    if (open !== undefined) cut[open.op] = (cut[open.op] ?? 0) + 1
    const found = await read(folder)
    const keys = new Set([...world.keys(), ...found.keys()])
    const next: World = new Map()
    for (const key of keys) {
      const life = found.get(key) ?? { live: null, trash: [] }
      const candidates = possible(world, open, key)
      if (!candidates.some((one) => JSON.stringify(one) === JSON.stringify(life)))
        expect(life, `round ${round}, ${key}, cut off in ${JSON.stringify(open)}`).toEqual(candidates.at(-1))
      next.set(key, life)
    }
    world = next
    const litter = filesIn(folder).filter((file) => /tmp$|json\.\d+$/.test(file))
    expect(litter, `round ${round}, cut off in ${open?.op}`).toEqual([])
  }
  const store = await openStore(folder)
  for (const key of world.keys()) await store.session(key).append(message('next'))
  await store.close()
  // a waiter that was killed before it wrote its name counts as dead after a second
  await until(async () => {
    await (await openStore(folder)).close()
    return locksIn(folder).length === 0
  })
  expect(steps).toBeGreaterThan(0)
  if (SOAK) console.log(`${rounds} kills, ${steps} acknowledged steps; cut off in`, cut)
}, 600_000)
