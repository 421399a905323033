/** The reference of the API: made of the docstrings, and its examples run. */
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Application, TSConfigReader, TypeDocReader } from 'typedoc'
import { describe, expect, test } from 'vitest'
import { openStore } from '../src/index.js'
import { tempFolder } from './helpers/store.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const CLASSES = ['src/session/session.ts', 'src/store/store.ts']

test('the documents of the API are what npm run api makes of the docstrings', async () => {
  const out = tempFolder()
  const options = { options: path.join(root, 'test/typedoc.json'), logLevel: 'Warn' as const }
  const app = await Application.bootstrapWithPlugins(options, [new TypeDocReader(), new TSConfigReader()])
  app.options.setValue('out', out)
  // npm run test:types does that
  app.options.setValue('skipErrorChecking', true)
  const project = await app.convert()
  expect(app.logger.warningCount + app.logger.errorCount).toBe(0)
  await app.generateOutputs(project!)
  const made = fs.readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'))
  const isCurrent = (name: string) => {
    const [now, kept] = [path.join(out, name), path.join(root, 'src', name)].map(textOf)
    return now === kept
  }
  expect(
    made.filter((name) => !isCurrent(name)),
    'run: npm run api',
  ).toEqual([])
  // one for each module of the package
  const { exports } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'))
  expect(made).toHaveLength(Object.keys(exports).filter((name) => name !== './package.json').length)
}, 300_000)

function textOf(file: string): string | undefined {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined
}

/** A public method or function, its documentation, and its example. */
interface Documented {
  name: string
  text: string
  example: string
}

/** What stands in a docstring directly above a public name. Of overloads, the first has it. */
function documentedIn(file: string): Documented[] {
  const source = fs.readFileSync(path.join(root, file), 'utf8')
  const found = source.matchAll(
    /^( *)\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n\1(?:export )?(?:async )?(?:function )?(?:get )?\*?(\w+)[(<]/gm,
  )
  return [...found].flatMap(([, , comment = '', name = '']) => {
    if (comment.includes('@internal')) return []
    const text = comment.replace(/^ *\* ?/gm, '').trim()
    return [{ name, text, example: text.split(/@example\n/)[1] ?? '' }]
  })
}

/** Public methods of a class, by their declarations. */
function methodsIn(file: string): string[] {
  const source = fs.readFileSync(path.join(root, file), 'utf8')
  const names = [...source.matchAll(/^ {2}(?:async )?(?:get )?\*?(\w+)[(<].*$/gm)].map(([, name]) => name as string)
  return [...new Set(names)].filter((name) => !['constructor', 'begin', 'emitting'].includes(name))
}

const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor

describe.each(CLASSES)('%s', (file) => {
  const documented = documentedIn(file)

  test('every public method has a description and an example', () => {
    const examples = documented.filter(({ example }) => example !== '').map(({ name }) => name)
    expect(methodsIn(file).filter((name) => !examples.includes(name))).toEqual([])
    expect(examples.length).toBeGreaterThan(15)
  })

  test.each(documented.filter(({ example }) => example !== ''))('the example of $name runs', async ({ example }) => {
    const dir = tempFolder()
    const store = await openStore(dir)
    const session = store.session('telegram_ann')
    const id = await session.append({ role: 'user', content: 'hello' })
    await session.append([
      { role: 'assistant', content: 'hi' },
      { role: 'user', content: 'more' },
    ])
    const given = { openStore, dir, store, session, id, model: async () => 'text', console: { log: () => {} } }
    try {
      await new AsyncFunction(...Object.keys(given), `{ ${example}\n }`)(...Object.values(given))
    } finally {
      await store.close()
    }
  })
})
