import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Layout } from '../../src/disk/layout.js'
import { nameOf, nameOfLog, nameOfTemporary } from '../../src/disk/names.js'
import { openStore } from '../../src/index.js'
import { codeOf, contents, filesIn, message, open, SOAK, sleep, tempFolder } from '../helpers/store.js'

/** What a folder that is neither case-sensitive nor careful with Unicode makes of a name. */
function folded(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .normalize('NFKC')
    .replace(/[. ]+$/, '')
}

const PAIRS: Array<[string, string, string]> = [
  ['upper and lower case', 'Alice', 'alice'],
  ['case within a name', 'fooBar', 'foobar'],
  ['the two Unicode forms', 'caf\u00e9', 'cafe\u0301'],
  ['slash, colon and underscore', 'a/b', 'a:b'],
  ['slash and underscore', 'a/b', 'a_b'],
  ['slash and hyphen', 'a/b', 'a-b'],
  ['a trailing dot', 'a.', 'a'],
  ['a trailing space', 'a ', 'a'],
  ['a leading space', ' a', 'a'],
  ['sharp s', 'straße', 'strasse'],
  ['dotless i', 'ı', 'i'],
  ['the Kelvin sign', '\u212a', 'k'],
  ['a ligature', 'ﬁ', 'fi'],
  ['full width', 'ａ', 'a'],
  ['long keys that differ at the end', `${'x'.repeat(300)}a`, `${'x'.repeat(300)}b`],
  ['very long keys', `${'é'.repeat(2500)}`, `${'é'.repeat(2499)}e`],
  ['a name and its own encoded form', 'A', nameOf('A')],
  ['the reserved names of Windows', 'con', 'CON'],
  ['a reserved name with an ending', 'nul.txt', 'NUL.txt'],
]

const HOSTILE = [
  ...['.', '..', '...', '../x', '../../etc/passwd', '/etc/passwd', 'a/../../b', '~', '-rf', '.hidden', '.locks'],
  ...[
    '.waiting',
    '.trash',
    '.quarantine',
    '\0',
    'a\0b',
    'a\nb',
    '\n',
    '\r\n',
    '\u202egnp.exe',
    'a\u200fb',
    '\u2028',
    '\ufeff',
    ' ',
  ],
  ...['x.meta', 'x.jsonl', 'x.meta.json', 'x.blobs', 'x.lock', 'x.tmp', '.x.0123456789abcdef.tmp', 'x.meta.json.123'],
  ...[
    'con',
    'CON',
    'prn',
    'aux',
    'nul',
    'nul.txt',
    'com1',
    'lpt9.log',
    'a:b',
    'a*b',
    'a?b',
    'a|b',
    'a<b>',
    'a"b',
    'a\\b',
  ],
  ...[
    '🙂',
    '会话',
    '👩‍👩‍👧',
    'é',
    'e\u0301',
    '__proto__',
    'constructor',
    'a.',
    'a..',
    'trailing ',
    `${'x'.repeat(300)}`,
  ],
  ...[
    'x'.repeat(100),
    'x'.repeat(101),
    'x'.repeat(255),
    'x'.repeat(256),
    'é'.repeat(2500),
    '会'.repeat(1700),
    `a~${'0'.repeat(32)}`,
    '{"a":1}',
    '%2e%2e',
  ],
]

describe('names of files', () => {
  test('keys that differ have names that differ on every file system', () => {
    for (const [what, a, b] of PAIRS) {
      expect(a, what).not.toBe(b)
      expect(folded(nameOf(a)), what).not.toBe(folded(nameOf(b)))
    }
  })

  test('hostile keys have safe names', () => {
    for (const key of HOSTILE) expect(faultOf(key), JSON.stringify(key)).toBe(undefined)
  })

  test('any two keys have names that differ on every file system, short and safe', () => {
    const key = fc.oneof(
      fc.string({ minLength: 1, unit: 'binary' }).filter((text) => !/\p{Surrogate}/u.test(text)),
      fc.string({
        minLength: 1,
        maxLength: 6,
        unit: fc.constantFrom('a', 'A', '.', '-', '_', '~', '/', 'é', 'e\u0301', ' '),
      }),
      fc
        .tuple(fc.constantFrom('a', 'b.', 'é'), fc.integer({ min: 45, max: 120 }), fc.constantFrom('', 'a', 'A', '.'))
        .map(([text, count, end]) => text.repeat(count) + end),
    )
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(faultOf(a)).toBe(undefined)
        if (a !== b) expect(folded(nameOf(a))).not.toBe(folded(nameOf(b)))
      }),
      { seed: 20261125, numRuns: SOAK ? 20_000 : 300 },
    )
  })

  test('a key of a plain name is its own name, and a log of such a name has it for its key', () => {
    for (const key of ['telegram_user123', 'a', '0', 'a.b-c_d', 'x.meta', 'x.jsonl', 'x'.repeat(100)]) {
      expect(nameOf(key)).toBe(key)
      expect(nameOfLog(`${key}.jsonl`)).toBe(key)
    }
  })
})

/** What is wrong with the names that a key gets; undefined when nothing is. */
function faultOf(key: string): string | undefined {
  const name = nameOf(key)
  const layout = new Layout('/store')
  const files = [layout.log(name), layout.sidecar(name), `${layout.sidecar(name)}.4294967295`]
  files.push(layout.blobs(name), layout.temporary(name, '0123456789abcdef'), layout.lock(name))
  files.push(path.join(layout.waiting, `${name}.0123456789abcdef`), layout.quarantine(name))
  files.push(path.join(layout.trash, `${name}~019aa1b2-0000-7000-8000-000000000000`))
  if (files.some((file) => path.normalize(file) !== file)) return `${name} is a path`
  if (files.some((file) => Buffer.byteLength(path.basename(file)) > 150)) return `${name} is too long`
  if (!/^[a-z0-9][a-z0-9._-]*$|^[a-z0-9-]+~[0-9a-f]{32}$/.test(name) || name.endsWith('.')) return `${name} is unsafe`
  if (/^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/.test(name)) return `${name} is reserved`
  if (nameOfLog(path.basename(layout.log(name))) !== name) return `${name} is not found again`
  if (nameOfTemporary(path.basename(layout.temporary(name, '0123456789abcdef'))) !== name) return `${name} is not swept`
  return undefined
}

describe('keys in a store', () => {
  test('all hostile keys are different sessions, found again from the files alone', async () => {
    const folder = tempFolder()
    const inside = path.join(folder, 'sessions')
    const keys = [...new Set([...HOSTILE, ...PAIRS.flatMap(([, a, b]) => [a, b])])]
    const store = await openStore(inside)
    for (const key of keys) await store.session(key).append(message(key))
    await store.close()
    expect(fs.readdirSync(folder)).toEqual(['sessions'])
    for (const file of fs.readdirSync(inside)) if (file.endsWith('.meta.json')) fs.rmSync(path.join(inside, file))
    const again = await open(inside)
    expect(await again.keys()).toEqual([...keys].sort((a, b) => (a < b ? -1 : 1)))
    for (const key of keys) expect(await contents(again.session(key))).toEqual([key])
    expect((await again.list()).map(({ key }) => key).sort()).toEqual([...keys].sort())
  })

  test('a sidecar of an encoded name that claims another key is not believed', async () => {
    const folder = tempFolder()
    const store = await openStore(folder)
    await store.session('Alice').append(message('hi'))
    await store.session('Bob').append(message('hi'))
    await store.close()
    const [alice, bob] = ['Alice', 'Bob'].map((key) => path.join(folder, `${nameOf(key)}.meta.json`)) as [
      string,
      string,
    ]
    fs.copyFileSync(bob, alice)
    expect(await (await open(folder)).keys()).toEqual(['Alice', 'Bob'])
  })

  test("'' and lone surrogates are no keys, anything but a string is a mistake", async () => {
    const store = await open()
    for (const key of ['', '\ud800', 'a\udc00b']) {
      expect(() => store.session(key)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_KEY' }))
    }
    for (const key of [undefined, null, 1, {}, []]) expect(() => store.session(key as string)).toThrow(TypeError)
  })

  test('a key of 70,000 characters lives, dies and comes back', async () => {
    const store = await open()
    const session = store.session('K'.repeat(70_000))
    await session.append(message('hi'))
    await session.setState('error', 't')
    expect((await store.keys())[0] === session.key).toBe(true)
    await sleep(2)
    await store.cleanup({ olderThan: 0 })
    const trashed = await store.trash()
    expect(trashed).toHaveLength(1)
    for (const file of filesIn(store.dir)) if (file.endsWith('.meta.json')) fs.rmSync(path.join(store.dir, file))
    expect((await store.trash()).map(({ id }) => id)).toEqual(trashed.map(({ id }) => id))
    expect((await store.restore(trashed[0]!.id)) === session.key).toBe(true)
    expect(await contents(session)).toEqual(['hi'])
  })
})

describe('foreign files', () => {
  const FOREIGN = [
    ...['x.jsonl.migrated', 'x (conflicted copy).jsonl', 'x.sync-conflict-20261125.JSONL', 'x.jsonl~', 'a~b.jsonl'],
    ...[
      '.x.jsonl.swp',
      '4913',
      'con.jsonl',
      '.jsonl',
      '..jsonl',
      'notes.txt',
      'x.JSONL',
      'e\u0301.jsonl',
      '\u202ea.jsonl',
      'a\nb.jsonl',
      `a~${'0'.repeat(32)}.jsonl`,
    ],
  ]

  test('are no sessions and are left alone', async () => {
    const folder = tempFolder()
    for (const file of FOREIGN) fs.writeFileSync(path.join(folder, file), '{"role":"user","content":"foreign"}\n')
    // a name that is no UTF-8 comes out of a listing as another
    fs.writeFileSync(Buffer.from(`${folder}/\xff.jsonl`, 'latin1'), '{"role":"user","content":"foreign"}\n')
    const store = await open(folder)
    await store.session('mine').append(message('hi'))
    expect(await store.keys()).toEqual(['mine'])
    expect((await store.list()).map(({ key }) => key)).toEqual(['mine'])
    expect(await store.search('foreign')).toEqual([])
    expect(await codeOf(store.cleanup({ olderThan: 0 }))).toBe(undefined)
    for (const file of FOREIGN) expect(fs.readFileSync(path.join(folder, file), 'utf8')).toContain('foreign')
  })

  test('opening removes nothing that the store has not made', async () => {
    const folder = tempFolder()
    const store = await openStore(folder)
    await store.session('a').append(message('hi'))
    await store.close()
    const planted = ['Notes.meta.json', 'package.meta.json', 'Photos.blobs/1.jpg', '.Notes.0123456789abcdef.tmp']
    planted.push('Notes.meta.json.12', 'notes.tmp', '.locks.meta.json')
    for (const file of planted) {
      fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
      fs.writeFileSync(path.join(folder, file), 'mine')
    }
    await open(folder)
    for (const file of planted) expect(fs.existsSync(path.join(folder, file)), file).toBe(true)
  })

  test.each(['..', '.', '.waiting', '.locks', 'a b'])('a name such as %j in a file name does no harm', async (name) => {
    const folder = tempFolder()
    const store = await openStore(folder)
    await store.session('a').append(message('hi'))
    for (const file of [`${name}.meta.json`, `${name}.blobs`, `.${name}.0123456789abcdef.tmp`, `${name}.meta.json.7`]) {
      fs.writeFileSync(path.join(folder, file), '{}')
    }
    fs.mkdirSync(path.join(folder, '.trash', `${name}~019aa1b2-0000-7000-8000-000000000000`), { recursive: true })
    const other = await open(folder)
    expect(await contents(other.session('a'))).toEqual(['hi'])
    expect(await other.trash()).toEqual([])
    await store.session('a').append(message('again'))
    expect(await contents(store.session('a'))).toEqual(['hi', 'again'])
    await store.close()
    expect(fs.existsSync(path.join(folder, 'a.jsonl'))).toBe(true)
  })
})
