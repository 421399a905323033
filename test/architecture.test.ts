/** The rules of src/: folders are layers, imports point down, packages come in by one door. */
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const src = fileURLToPath(new URL('../src', import.meta.url))
const files = fs
  .readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => file.split(path.sep).join('/'))
const texts = new Map(files.map((file) => [file, fs.readFileSync(path.join(src, file), 'utf8')]))

const importsOf = (file: string) =>
  [...(texts.get(file) ?? '').matchAll(/(?:(?<!')from |import\()\s*'([^'\n]+)'|^import '([^'\n]+)'/gm)].map(
    ([, from, bare]) => from ?? bare ?? '',
  )

/** Files of src/ that a file imports, for their types alone or not. */
const targetsOf = (file: string) =>
  importsOf(file)
    .filter((from) => from.startsWith('.'))
    .map((from) => path.posix.join(path.posix.dirname(file), from).replace(/\.js$/, '.ts'))
    .map((target) => (texts.has(target) ? target : target.replace(/\.ts$/, '.tsx')))

/** Lower layers first. Folders in one row do not import each other. */
const LAYERS = [
  ['base'],
  ['log'],
  ['disk'],
  ['session'],
  ['graph'],
  ['list'],
  ['search', 'runs', 'retention', 'check', 'sync'],
  ['store'],
  ['contracts'],
  ['adapters', 'formats'],
  ['viewer'],
  ['cli'],
]

/** What package.json exports, as files of src/. */
const PUBLIC = new Set(
  Object.keys(JSON.parse(fs.readFileSync(path.join(src, '../package.json'), 'utf8')).exports)
    .map((name) => path.posix.join(name))
    .flatMap((name) => {
      if (name === '.') return ['index.ts']
      if (name === 'import-export') return ['formats/index.ts']
      return [`${name}.ts`, `${name}/index.ts`, `contracts/${name}/index.ts`]
    })
    .filter((file) => texts.has(file)),
)

/** What else the command may import, and why it is not public. */
const SHARED_WITH_COMMAND: Record<string, string> = {
  'base/json.ts': 'a guard and two types of three lines: as an export they would only look like an API for JSON',
}

const folderOf = (file: string) => file.split('/')[0] as string
/** `index.ts` of src/ is the face of the store: it may import what `contracts` may. */
const layerOf = (file: string) =>
  LAYERS.findIndex((folders) => folders.includes(file === 'index.ts' ? 'contracts' : folderOf(file)))

describe('the layers', () => {
  test('every folder is one, and src/ itself holds index.ts only', () => {
    expect(files.filter((file) => layerOf(file) === -1)).toEqual([])
    const names = fs.readdirSync(src, { withFileTypes: true }).filter((entry) => entry.isFile())
    expect(names.map(({ name }) => name).filter((name) => !name.endsWith('.md'))).toEqual(['index.ts'])
  })

  test('imports point down', () => {
    const wrong = files.flatMap((file) =>
      targetsOf(file)
        .filter((target) => folderOf(target) !== folderOf(file) && layerOf(target) >= layerOf(file))
        .map((target) => `${file} imports ${target}`),
    )
    expect(wrong).toEqual([])
  })

  test('the command imports what the package exports, and nothing else of src/', () => {
    const wrong = files
      .filter((file) => folderOf(file) === 'cli')
      .flatMap((file) =>
        targetsOf(file)
          .filter((target) => folderOf(target) !== 'cli' && !PUBLIC.has(target) && !(target in SHARED_WITH_COMMAND))
          .map((target) => `${file} imports ${target}`),
      )
    expect(wrong).toEqual([])
  })

  test('no file imports itself through others, not even for a type', () => {
    expect(circles()).toEqual([])
  })

  test('every folder says in a README what lives in it', () => {
    const folders = new Set(files.filter((file) => file.includes('/')).map(folderOf))
    expect([...folders].filter((folder) => !fs.existsSync(path.join(src, folder, 'README.md')))).toEqual([])
  })

  test('no file is longer than about 300 lines', () => {
    // of the two classes of the public API, where each method has its documentation and an example, the code counts
    const classes = ['session/session.ts', 'store/store.ts']
    const linesOf = (file: string) => (texts.get(file) ?? '').split('\n')
    const isCode = (line: string) => !/^ *(?:\/\*\*|\*)/.test(line)
    const isTooLong = (file: string) =>
      classes.includes(file) ? linesOf(file).filter(isCode).length > 480 : linesOf(file).length > 320
    expect(files.filter(isTooLong)).toEqual([])
  })
})

describe('the modules', () => {
  test('hold no state: what a process shares about a folder is a part of one object for each folder', () => {
    const mutable =
      /^(?:export )?(?:(?:let|var) |const \w+(?:: (?!readonly |Readonly)[^=]+)? = (?:new \w+(?:<.*>)?\(\)|\[\]|\{\}))/m
    // one object for each folder; one event loop, one system, one standard output, one call context for each process; a page
    // is one tab
    const known = [
      'base/event-loop.ts',
      'cli/terminal/output.ts',
      'disk/platform/system.ts',
      'disk/shared-folder.ts',
      'session/turn/turns.ts',
    ]
    const stateful = files.filter((file) => mutable.test(texts.get(file) ?? ''))
    expect(stateful.filter((file) => !file.startsWith('viewer/page/')).sort()).toEqual(known)
  })
})

describe('the doors', () => {
  test('only disk/ touches the disk, and one module of cli/ the files of the user', () => {
    const touching = files.filter((file) => importsOf(file).some((from) => /^(node:)?fs(\/|$)/.test(from)))
    expect(touching.filter((file) => !file.startsWith('disk/'))).toEqual(['cli/user-files.ts'])
  })

  test('each package comes in by one door', () => {
    expect(doorsOf(files.filter((file) => !file.startsWith('adapters/')))).toEqual({
      chokidar: ['runs/watcher.ts'],
      commander: ['cli/program/commander.ts'],
      preact: ['viewer/page/ui.ts'],
      'proper-lockfile': ['disk/lock/lease.ts'],
      'string-width': [expect.stringMatching(/^cli\/terminal\//)],
    })
  })

  test('each framework comes in by its adapter', () => {
    expect(doorsOf(files.filter((file) => file.startsWith('adapters/')))).toEqual({
      '@anthropic-ai/claude-agent-sdk': ['adapters/claude-agent-sdk.ts'],
      '@langchain/core': ['adapters/langchain.ts', 'adapters/langgraph.ts'],
      '@langchain/langgraph-checkpoint': ['adapters/langgraph.ts'],
      '@openai/agents': ['adapters/openai-agents.ts'],
      ai: ['adapters/ai-sdk.ts'],
      '@slack/bolt': ['adapters/bolt.ts'],
      chat: ['adapters/chat-sdk.ts'],
      'express-session': ['adapters/express-session.ts'],
      grammy: ['adapters/grammy.ts'],
      keyv: ['adapters/keyv.ts'],
      telegraf: ['adapters/telegraf.ts'],
      unstorage: ['adapters/unstorage.ts'],
    })
  })
})

/** Which files import a package, for its types alone or not. */
function doorsOf(files: readonly string[]): Record<string, string[]> {
  const doors: Record<string, string[]> = {}
  for (const file of files) {
    for (const name of new Set(importsOf(file).map(packageOf))) {
      if (!name.startsWith('.') && !name.startsWith('node:')) doors[name] = [...(doors[name] ?? []), file]
    }
  }
  return doors
}

/** The package of `@scope/name/part`, `name/part`. */
function packageOf(from: string): string {
  return from.startsWith('@') ? from.split('/').slice(0, 2).join('/') : (from.split('/')[0] as string)
}

/** Groups of files that import each other, by Tarjan's algorithm. */
function circles(): string[][] {
  const found: string[][] = []
  const order = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const visit = (file: string) => {
    order.set(file, order.size)
    low.set(file, order.get(file)!)
    stack.push(file)
    for (const target of targetsOf(file)) {
      if (!order.has(target)) visit(target)
      if (stack.includes(target)) low.set(file, Math.min(low.get(file)!, low.get(target)!))
    }
    if (low.get(file) !== order.get(file)) return
    const circle = stack.splice(stack.indexOf(file))
    if (circle.length > 1) found.push(circle)
  }
  for (const file of files) if (!order.has(file)) visit(file)
  return found
}
