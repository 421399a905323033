/** A store that is open while git, rsync or another program changes the files under it. */
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { JsonlPersistence } from '../../src/contracts/persistence/index.js'
import type { LostReport } from '../../src/index.js'
import { patch } from '../helpers/file-calls.js'
import { contents, fill, message, open, tempFolder } from '../helpers/store.js'
import { type Clone, clones, hasProgram, runIn } from './machines.js'

async function openWatched(root: string) {
  const lost: LostReport[] = []
  const errors: unknown[] = []
  const store = await open(root, { onLost: (report) => lost.push(report), onError: (error) => errors.push(error) })
  return { store, lost, errors }
}

const linesIn = (file: string) => fs.readFileSync(file, 'utf8').split('\n').slice(0, -1)

describe.skipIf(!hasProgram('git'))('git under a running bot', () => {
  test('a pull is picked up at the next call, and nothing counts as lost', async () => {
    const [here, there] = clones(2) as [Clone, Clone]
    const { store, lost } = await openWatched(here.root)
    const ann = await fill(store, 'ann', ['one'])
    here.commit()
    there.git('pull', '--quiet', here.folder, 'main')
    await fill(await open(there.root), 'ann', ['from there'])
    there.commit()
    await ann.append(message('from here'))
    here.commit()
    here.git('pull', '--quiet', '--no-rebase', '--no-edit', there.folder, 'main')
    expect(await contents(ann)).toEqual(['one', 'from there', 'from here'])
    expect((await ann.info())?.messages).toBe(3)
    await ann.append(message('and on'))
    expect(await contents(ann)).toEqual(['one', 'from there', 'from here', 'and on'])
    expect(lost).toEqual([])
  })

  test('a checkout of an older state is noticed, and what it took away can be brought back', async () => {
    const [here] = clones(1) as [Clone]
    const { store, lost } = await openWatched(here.root)
    const ann = await fill(store, 'ann', ['one'])
    here.commit()
    for (const text of ['two', 'three', 'taken back']) await ann.append(message(text))
    await ann.removeLast()
    here.git('checkout', '--quiet', '--', 'sessions/ann.jsonl')
    await ann.append(message('four'))
    expect(await contents(ann)).toEqual(['one', 'four'])
    expect(lost).toEqual([{ key: 'ann', file: ann.path, messages: 2, kept: expect.any(String) }])
    expect(linesIn(lost[0]?.kept as string).map((line) => JSON.parse(line).content)).toEqual(['two', 'three'])
    await ann.merge(lost[0]?.kept as string)
    expect(await contents(ann)).toEqual(['one', 'two', 'three', 'four'])
    expect(lost).toHaveLength(1)
  })
})

describe('a log that is emptied under a bot', () => {
  const WAYS: Record<string, (file: string) => void> = {
    'cut to nothing': (file) => fs.truncateSync(file, 0),
    'replaced by an empty file': (file) => {
      fs.writeFileSync(`${file}.empty`, '')
      fs.renameSync(`${file}.empty`, file)
    },
  }

  test.each(Object.entries(WAYS))('%s, is reported, and its known lines are kept', async (_, empty) => {
    const { store, lost } = await openWatched(tempFolder())
    const texts = Array.from({ length: 20 }, (_, i) => `text ${i}`)
    const ann = await fill(store, 'ann', texts)
    empty(ann.path)
    await ann.append(message('after'))
    expect(lost).toEqual([{ key: 'ann', file: ann.path, messages: 20, kept: expect.any(String) }])
    await ann.merge(lost[0]?.kept as string)
    expect(await contents(ann)).toEqual([...texts, 'after'])
  })

  test('by an editor that fills it again at once, costs and reports nothing', async () => {
    const { store, lost } = await openWatched(tempFolder())
    const ann = await fill(store, 'ann', ['one', 'two'])
    const bytes = fs.readFileSync(ann.path)
    fs.truncateSync(ann.path, 0)
    const appending = ann.append(message('three'))
    setTimeout(() => fs.writeFileSync(ann.path, bytes), 10)
    await appending
    expect(lost).toEqual([])
  })
})

describe.skipIf(!hasProgram('rsync'))('rsync under a running bot', () => {
  test.each([['--archive'], ['--archive', '--inplace'], ['--archive', '--ignore-times', '--inplace']])(
    'an older copy that is put back is noticed: %s %s %s',
    async (...flags) => {
      const { store, lost } = await openWatched(path.join(tempFolder(), 'sessions'))
      const ann = await fill(store, 'ann', ['one', 'two'])
      const copy = tempFolder()
      runIn(copy, 'rsync', '--archive', `${store.dir}/`, copy)
      for (const text of ['three', 'four']) await ann.append(message(text))
      runIn(copy, 'rsync', ...flags, '--include=*.jsonl', '--exclude=*', `${copy}/`, store.dir)
      expect((await ann.info())?.messages).toBe(2)
      expect(lost.map(({ messages }) => messages)).toEqual([2])
      await ann.append(message('five'))
      await ann.merge(lost[0]?.kept as string)
      expect(await contents(ann)).toEqual(['one', 'two', 'three', 'four', 'five'])
    },
  )

  test("another machine's log with newer lines is noticed as well", async () => {
    const { store, lost } = await openWatched(path.join(tempFolder(), 'sessions'))
    const ann = await fill(store, 'ann', ['one'])
    const copy = tempFolder()
    runIn(copy, 'rsync', '--archive', `${store.dir}/`, copy)
    await ann.append(message('here'))
    await fill(await open(copy), 'ann', ['there', 'and there'])
    runIn(copy, 'rsync', '--archive', '--include=*.jsonl', '--exclude=*', `${copy}/`, store.dir)
    await ann.append(message('on'))
    expect(await contents(ann)).toEqual(['one', 'there', 'and there', 'on'])
    expect(lost.map(({ messages }) => messages)).toEqual([1])
  })
})

describe('what is no loss', () => {
  test('a log that another process removed from and rewrote, or purged', async () => {
    const { store, lost } = await openWatched(path.join(tempFolder(), 'sessions'))
    const ann = await fill(store, 'ann', ['one', 'two', 'three'])
    await ann.removeLast()
    const other = await open(store.dir)
    await other.session('ann').rewrite()
    await ann.append(message('four'))
    await other.session('ann').remove(String((await ann.messages())[0]?.id))
    await other.session('ann').rewrite()
    await ann.append(message('five'))
    await new JsonlPersistence(other).compactSession('ann', 'all', 0)
    expect(await new JsonlPersistence(other).purgeCompacted(0)).toBe(3)
    await ann.append(message('six'))
    expect(await contents(ann)).toEqual(['six'])
    expect(lost).toEqual([])
  })

  test('a rewrite or merge of its own', async () => {
    const { store, lost } = await openWatched(path.join(tempFolder(), 'sessions'))
    const ann = await fill(store, 'ann', ['one', 'two'])
    await ann.removeLast()
    await ann.rewrite()
    await ann.append(message('three'))
    expect(await contents(ann)).toEqual(['one', 'three'])
    expect(lost).toEqual([])
  })

  test('a session that another process deleted and created again', async () => {
    const { store, lost } = await openWatched(path.join(tempFolder(), 'sessions'))
    const ann = await fill(store, 'ann', ['one', 'two'])
    const other = await open(store.dir)
    await other.session('ann').delete()
    await fill(other, 'ann', ['new'])
    await ann.append(message('here'))
    expect(await contents(ann)).toEqual(['new', 'here'])
    expect(lost).toEqual([])
  })

  test('a quarantine that cannot be written does not keep the log from being read', async () => {
    const { store, lost, errors } = await openWatched(path.join(tempFolder(), 'sessions'))
    const ann = await fill(store, 'ann', ['one'])
    const bytes = fs.readFileSync(ann.path)
    await ann.append(message('two'))
    fs.writeFileSync(ann.path, bytes)
    fs.writeFileSync(path.join(store.dir, '.quarantine'), '')
    expect((await ann.info())?.messages).toBe(1)
    expect(lost).toEqual([])
    expect(errors).toHaveLength(1)
  })

  test('lines are kept also when a store that opens meanwhile sweeps what is unfinished', async () => {
    const { store, lost, errors } = await openWatched(path.join(tempFolder(), 'sessions'))
    const ann = await fill(store, 'ann', ['one'])
    const older = fs.readFileSync(ann.path)
    await ann.append(message('two'))
    fs.writeFileSync(ann.path, older)
    let swept = 0
    patch('rename', (rename) => (from: string, to: string) => {
      if (to.includes('lost-') && swept++ === 0) fs.rmSync(path.dirname(from), { recursive: true })
      return rename(from, to)
    })
    await ann.append(message('three'))
    expect(errors).toEqual([])
    expect(lost.map(({ messages }) => messages)).toEqual([1])
    expect(linesIn(lost[0]?.kept as string).map((line) => JSON.parse(line).content)).toEqual(['two'])
  })
})
