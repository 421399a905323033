import fs from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openStore, type Session, type SessionStore } from '../../src/index.js'
import { bareLine, message, SOAK, sleep, tempFolder } from '../helpers/store.js'

/** What a session is, told in the plainest way. Texts are unique. */
interface Model {
  texts: string[]
  name: string | null
  tags: string[]
}

const KEYS = ['a', 'An encoded key']

/** Two stores on one folder, other programs at its files, and the model of it. */
class World {
  readonly folder = fs.mkdtempSync(`${tempFolder()}/`)
  readonly stores: SessionStore[] = []
  readonly model = new Map<string, Model>()
  #count = 0

  session(who: number, key: string): Session {
    return this.stores[who]!.session(key)
  }

  /** The model of a session that is there by now. */
  made(key: string): Model {
    const model = this.model.get(key) ?? { texts: [], name: null, tags: [] }
    this.model.set(key, model)
    return model
  }

  text(): string {
    return `t${this.#count++}!`
  }

  file(key: string): string {
    return this.stores[0]!.session(key).path
  }

  lines(key: string): string[] {
    return fs.readFileSync(this.file(key), 'utf8').split('\n')
  }

  /** Appends as a program would that looks for a line feed first. */
  foreignAppend(key: string, text: string): void {
    const bytes = fs.readFileSync(this.file(key))
    const isOpen = bytes.length > 0 && bytes.at(-1) !== 0x0a
    fs.appendFileSync(this.file(key), (isOpen ? '\n' : '') + text)
  }

  async close(): Promise<void> {
    for (const store of this.stores) await store.close()
  }
}

type Act = (world: World, who: number, key: string, n: number) => Promise<void> | void

/** Changes made through a store, and what they mean. */
const CALLS: Record<string, Act> = {
  async append(world, who, key) {
    const text = world.text()
    await world.session(who, key).append(message(text))
    world.made(key).texts.push(text)
  },
  async batch(world, who, key) {
    const texts = [world.text(), world.text()]
    await world.session(who, key).append(texts.map(message))
    world.made(key).texts.push(...texts)
  },
  async together(world, who, key) {
    const texts = [world.text(), world.text(), world.text()]
    const session = world.session(who, key)
    await Promise.all([session.append(message(texts[0]!)), session.info(), session.append(message(texts[1]!))])
    await Promise.all([world.stores[1 - who]!.list(), session.append(message(texts[2]!)), session.messages()])
    world.made(key).texts.push(...texts)
  },
  async removeLast(world, who, key) {
    const model = world.model.get(key)
    expect(await world.session(who, key).removeLast()).toBe((model?.texts.length ?? 0) > 0)
    model?.texts.pop()
  },
  async remove(world, who, key, n) {
    const messages = await world.session(who, key).messages()
    const some = messages.filter((_, i) => (n >> (i % 16)) & 1)
    expect(await world.session(who, key).remove(some.map(({ id }) => String(id)))).toBe(some.length)
    const model = world.model.get(key)
    if (model) model.texts = model.texts.filter((_, i) => !((n >> (i % 16)) & 1))
  },
  async setName(world, who, key, n) {
    const name = n % 3 === 0 ? null : `name ${n}`
    await world.session(who, key).setName(name)
    if (name !== null || world.model.has(key)) world.made(key).name = name
  },
  async tag(world, who, key, n) {
    await world.session(who, key).tag([`tag ${n % 4}`])
    const { tags } = world.made(key)
    if (!tags.includes(`tag ${n % 4}`)) tags.push(`tag ${n % 4}`)
  },
  async setState(world, who, key) {
    await world.session(who, key).setState('running', 'turn')
    world.made(key)
  },
  async rewrite(world, who, key) {
    await world.session(who, key).rewrite()
  },
  async delete(world, who, key) {
    expect(await world.session(who, key).delete()).toBe(world.model.delete(key))
  },
  async reopen(world, who) {
    await world.stores[who]!.close()
    world.stores[who] = await openStore(world.folder)
  },
}

/** Changes that other programs make to a log that is there. */
const EDITS: Record<string, Act> = {
  'a line by hand'(world, _, key) {
    const text = world.text()
    world.foreignAppend(key, bareLine(text))
    world.made(key).texts.push(text)
  },
  'a line by hand without line feed'(world, _, key) {
    const text = world.text()
    world.foreignAppend(key, bareLine(text).trimEnd())
    world.made(key).texts.push(text)
  },
  'a torn tail'(world, _, key) {
    world.foreignAppend(key, '{"role":"user","conte')
  },
  'NUL bytes at the end'(world, _, key) {
    world.foreignAppend(key, '\0'.repeat(50))
  },
  'a damaged line'(world, _, key) {
    world.foreignAppend(key, '<<<<<<< HEAD\n')
  },
  'a blank line'(world, _, key) {
    world.foreignAppend(key, '  \r\n')
  },
  'a copy of a line'(world, _, key, n) {
    const own = world
      .lines(key)
      .filter((line) => line.startsWith('{"id"') && line.endsWith('}') && !line.includes('\0'))
    if (own.length > 0) world.foreignAppend(key, `${own[n % own.length]}\n`)
  },
  async 'an edit of the same length'(world, _, key, n) {
    const model = world.made(key)
    if (model.texts.length === 0) return
    const at = n % model.texts.length
    const old = model.texts[at]!
    const text = old.startsWith('t') ? old.replace('t', 'T') : old.replace('T', 't')
    // within one tick of the file system's clock no look can tell
    await sleep(12)
    fs.writeFileSync(world.file(key), fs.readFileSync(world.file(key), 'utf8').replaceAll(`"${old}"`, `"${text}"`))
    model.texts[at] = text
  },
  async 'a line taken out'(world, _, key, n) {
    const model = world.made(key)
    // lines without id are known by their place: a removed one comes back when it moves
    if (model.texts.length === 0 || world.lines(key).some((line) => /"ids":.*"#/.test(line))) return
    const [text] = model.texts.splice(n % model.texts.length, 1)
    const rest = world.lines(key).filter((line) => !line.includes(`"${text}"`))
    await sleep(12)
    fs.writeFileSync(`${world.file(key)}.new`, rest.join('\n'))
    fs.renameSync(`${world.file(key)}.new`, world.file(key))
  },
  'a save by renaming'(world, _, key) {
    fs.copyFileSync(world.file(key), `${world.file(key)}.new`)
    fs.renameSync(`${world.file(key)}.new`, world.file(key))
  },
  'the sidecar deleted'(world, _, key) {
    fs.rmSync(world.session(0, key).sidecarPath, { force: true })
  },
  'the sidecar emptied'(world, _, key) {
    fs.writeFileSync(world.session(0, key).sidecarPath, '')
  },
}

/** How many lines of a log nobody can read, told in the plainest way. */
function damagedIn(file: string): number {
  const lines = fs.readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return lines.filter((line) => {
    if (line.trim() === '') return false
    try {
      JSON.parse(line)
      return false
    } catch {
      return true
    }
  }).length
}

async function expectModel(world: World, where: string): Promise<void> {
  for (const store of world.stores) {
    const rows = await store.list()
    expect(rows.map(({ key }) => key).sort(), where).toEqual([...world.model.keys()].sort())
    for (const key of KEYS) {
      const session = store.session(key)
      const model = world.model.get(key)
      const info = await session.info()
      expect(
        (await session.messages()).map(({ content }) => content),
        where,
      ).toEqual(model?.texts ?? [])
      expect(
        (await session.tail(3)).map(({ content }) => content),
        where,
      ).toEqual(model?.texts.slice(-3) ?? [])
      if (model === undefined) expect(info, where).toBe(null)
      else {
        const bytes = fs.statSync(world.file(key)).size
        const facts = { ...model, messages: model.texts.length, bytes, damaged: damagedIn(world.file(key)) }
        const { texts: _, ...expected } = facts
        expect(info, where).toMatchObject(expected)
        expect(
          rows.find((row) => row.key === key),
          where,
        ).toEqual(info)
      }
    }
  }
}

test('any sequence of calls on two stores, with other programs at the files, is what the plain model says', async () => {
  const call = fc.record({
    act: fc.constantFrom(...Object.keys(CALLS), 'append', 'append', 'batch'),
    isEdit: fc.constant(false),
  })
  const edit = fc.record({ act: fc.constantFrom(...Object.keys(EDITS)), isEdit: fc.constant(true) })
  const kind = fc.oneof({ weight: 3, arbitrary: call }, { weight: 2, arbitrary: edit })
  const step = fc.tuple(kind, fc.nat(1), fc.constantFrom(...KEYS, KEYS[0]!), fc.nat(65_535))
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 22, size: 'max' }), async (steps) => {
      const world = new World()
      world.stores.push(await openStore(world.folder), await openStore(world.folder))
      try {
        for (const [at, [{ act, isEdit }, who, key, n]] of steps.entries()) {
          if (isEdit && !world.model.has(key)) continue
          await (isEdit ? EDITS : CALLS)[act]!(world, who, key, n)
          await expectModel(world, `after step ${at}: ${act} of ${key} by ${who}`)
        }
      } finally {
        await world.close()
        fs.rmSync(world.folder, { recursive: true, force: true })
      }
    }),
    { seed: 20261125, numRuns: SOAK ? 1_500 : 40, endOnFailure: !SOAK },
  )
}, 900_000)
