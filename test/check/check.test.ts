import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FindingKind } from '../../src/check/finding.js'
import { JsonlRuntimePersistence } from '../../src/contracts/runtime-persistence/index.js'
import { type Sidecar, sidecarFromText, sidecarText, type Watermark } from '../../src/disk/sidecar/sidecar-file.js'
import { openStore, type SessionStore } from '../../src/index.js'
import type { Summary } from '../../src/log/fold.js'
import { copyFolder, fill, tempFolder } from '../helpers/store.js'

const CONFIG = { providerId: 'p', configuredModel: 'm', contextWindow: 0, executionMode: 'standard' }
const DEAD = { host: 'h', pid: 2 ** 22 - 1, start: '1' }
const NONCE = '0123456789abcdef'

let template: string

beforeAll(async () => {
  template = fs.mkdtempSync(path.join(tempRoot(), 'template-'))
  const store = await openStore(template)
  await fill(store, 'a', ['1', '2', '3'])
  await fill(store, 'An encoded key', ['1'])
  await store.session('a').setState('error', 't')
  const commit = {
    ...{ sessionId: 'g', expectedHeadRevision: null, usageDeltas: [] },
    config: { ...CONFIG, standardContextApproach: null, modelVariant: null },
    graph: { kind: 'append' as const, nodes: [{ nodeId: 'n', timestamp: 't', kind: 'event' as const, event: 1 }] },
    checkpoint: { toolState: { generation: 1, tools: {} } },
  }
  await new JsonlRuntimePersistence(store, 'g').commitRuntimeState(commit)
  await store.close()
})

afterAll(() => fs.rmSync(template, { recursive: true, force: true }))

function tempRoot(): string {
  return process.env.TMPDIR ?? '/tmp'
}

function scene(): string {
  const folder = path.join(tempFolder(), 'sessions')
  copyFolder(template, folder)
  return folder
}

interface Case {
  /** What is done to the folder; what it puts there that must not get lost is called KEEP-ME. */
  seed: (folder: string) => void
  finds: FindingKind[]
  /** What is still found after mending. */
  left?: FindingKind[]
}

const log = (folder: string, name = 'a') => path.join(folder, `${name}.jsonl`)
const sidecar = (folder: string) => path.join(folder, 'a.meta.json')
const add = (text: string, name?: string) => (folder: string) => fs.appendFileSync(log(folder, name), text)
const put =
  (name: string, text = 'KEEP-ME') =>
  (folder: string) => {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true, mode: 0o700 })
    fs.writeFileSync(path.join(folder, name), text, { mode: 0o600 })
  }
const lines = (folder: string, name?: string) => fs.readFileSync(log(folder, name), 'utf8').split('\n').slice(0, -1)
const blobs = (folder: string) =>
  fs.readdirSync(path.join(folder, 'g.blobs')).map((ref) => path.join(folder, 'g.blobs', ref))
const manifest = (folder: string) =>
  blobs(folder).find((file) => fs.readFileSync(file, 'utf8').includes('toolStateRef'))!
const body = (folder: string) => blobs(folder).find((file) => file !== manifest(folder))!
const header = (key: string, version = 1) => `${JSON.stringify({ type: 'session', version, key, id: `h-${key}` })}\n`

/** A sidecar that passes its checks and has wrong values. */
function lie(folder: string): void {
  const value = sidecarFromText(fs.readFileSync(sidecar(folder), 'utf8')) as Sidecar
  const { dev, ino, size, mtimeMs } = fs.statSync(log(folder))
  Object.assign(value.watermark as Watermark, { dev, ino, size, mtimeMs })
  Object.assign(value.summary as Summary, { messages: 77 })
  fs.writeFileSync(sidecar(folder), sidecarText(value))
}

/** An owner that died: on this boot, and without a process. */
function deadOwner(): string {
  const read = (file: string) => fs.readFileSync(file, 'utf8').trim()
  const boot = read('/proc/sys/kernel/random/boot_id')
  return JSON.stringify({ ...DEAD, boot, pidns: fs.readlinkSync('/proc/self/ns/pid'), path: 'KEEP', inode: 0 })
}

const CASES: Record<string, Case> = {
  'a torn tail': { seed: add('{"role":"user","content":"KEEP-ME'), finds: ['torn-tail'] },
  'NUL bytes at the end': { seed: add('\0'.repeat(30)), finds: ['torn-tail'] },
  'a line that is no JSON': { seed: add('KEEP-ME\n'), finds: ['damaged-line'] },
  'a line that is no object': { seed: add('["KEEP-ME"]\n'), finds: ['damaged-line'] },
  'a line without role and type': { seed: add('{"content":"KEEP-ME"}\n'), finds: ['damaged-line'] },
  'bytes that are no UTF-8': {
    seed: (folder) => fs.appendFileSync(log(folder), Buffer.from('{"role":"KEEP-ME\xff"}\n', 'latin1')),
    finds: ['damaged-line'],
  },
  'NUL bytes in a line': { seed: add('\0\0\0KEEP-ME\n'), finds: ['damaged-line'] },
  'two objects on a line': { seed: add('{"role":"a"}{"role":"KEEP-ME"}\n'), finds: ['damaged-line'] },
  'the markers of a merge': {
    seed: add('<<<<<<< KEEP-ME\n=======\n>>>>>>> theirs\n'),
    finds: ['merge-marker', 'merge-marker', 'merge-marker'],
  },
  'a line twice': {
    seed: (folder) => add(`${lines(folder)[1]}\n`)(folder),
    finds: ['duplicate'],
  },
  'one id with two contents': {
    seed: (folder) => add(`${lines(folder)[1]!.replace('"1"', '"KEEP-ME"')}\n`)(folder),
    finds: ['contradiction'],
    left: ['contradiction'],
  },
  'damage beside a contradiction': {
    seed: (folder) => add(`KEEP-ME\n${lines(folder)[1]!.replace('"1"', '"other"')}\n`)(folder),
    finds: ['damaged-line', 'contradiction'],
  },
  'two commits of one revision': {
    seed: (folder) => {
      const commit = lines(folder, 'g').find((line) => line.includes('"type":"commit"'))!
      add(`${commit.replace(/"id":"[^"]+"/, '"id":"KEEP-ME"')}\n`, 'g')(folder)
    },
    finds: ['diverged-commits'],
    left: ['diverged-commits'],
  },
  'a newer version': {
    seed: put('newer.jsonl', header('newer', 9)),
    finds: ['newer-version'],
    left: ['newer-version'],
  },
  'damage in a newer version': {
    seed: put('newer.jsonl', `${header('newer', 9)}KEEP-ME\n`),
    finds: ['damaged-line', 'newer-version'],
    left: ['damaged-line', 'newer-version'],
  },
  'a name that is not that of the key': {
    seed: put('other.jsonl', `${header('a')}`),
    finds: ['key-mismatch'],
    left: ['key-mismatch'],
  },
  'a log of no possible key': { seed: put('No~Key.jsonl'), finds: ['invalid-name'], left: ['invalid-name'] },
  'names that differ by case': {
    seed: put('A.jsonl', '{"role":"user","content":"KEEP-ME"}\n'),
    finds: ['case-collision'],
    left: ['case-collision'],
  },
  'a folder in the place of a log': {
    seed: (folder) => fs.mkdirSync(path.join(folder, 'd.jsonl'), { mode: 0o700 }),
    finds: ['not-a-log'],
    left: ['not-a-log'],
  },
  'a link in the place of a log': {
    seed: (folder) => fs.symlinkSync('/etc/hostname', path.join(folder, 'l.jsonl')),
    finds: ['not-a-log'],
    left: ['not-a-log'],
  },
  'a conflict copy of a synchroniser': {
    seed: put('a.sync-conflict-20261125-101010-ABCDEFG.jsonl', '{"role":"user","content":"KEEP-ME"}\n'),
    finds: ['conflict-copy'],
    left: ['conflict-copy'],
  },
  'a conflicted copy': {
    seed: put("a (Ann's conflicted copy 2026-11-25).jsonl", '{"role":"user","content":"KEEP-ME"}\n'),
    finds: ['conflict-copy'],
    left: ['conflict-copy'],
  },
  'a sidecar with wrong values': { seed: lie, finds: ['sidecar-mismatch'] },
  'a sidecar of another session': {
    seed: (folder) => put('a.meta.json', fs.readFileSync(sidecar(folder), 'utf8').replace('"a"', '"KEEP-ME"'))(folder),
    finds: ['sidecar-mismatch'],
  },
  'half a sidecar': { seed: put('a.meta.json', '{"KEEP-ME'), finds: ['sidecar-unreadable'] },
  'a sidecar without log': { seed: put('gone.meta.json'), finds: ['orphan-sidecar'] },
  'orphan-blobs': {
    seed: (folder) => {
      put(`gone.blobs/${'0'.repeat(64)}`)(folder)
      const longAgo = new Date(Date.now() - 25 * 3_600_000)
      fs.utimesSync(path.join(folder, 'gone.blobs'), longAgo, longAgo)
    },
    finds: ['orphan-blobs'],
  },
  'blobs whose log may still come': {
    seed: put(`coming.blobs/${'0'.repeat(64)}`),
    finds: ['orphan-blobs'],
    left: ['orphan-blobs'],
  },
  'a missing manifest': {
    seed: (folder) => fs.rmSync(manifest(folder)),
    finds: ['missing-blob'],
    left: ['missing-blob'],
  },
  'a missing body': { seed: (folder) => fs.rmSync(body(folder)), finds: ['missing-blob'], left: ['missing-blob'] },
  'a blob with other content': {
    seed: (folder) => fs.writeFileSync(body(folder), 'KEEP-ME'),
    finds: ['blob-mismatch'],
    left: ['blob-mismatch'],
  },
  'a blob that nothing needs': {
    seed: put('g.blobs/5c6ffbdd40d9556b73a21e63c3e0e904e6d1f1f4ae9e6e0a1f8f9c0b1d2e3f40'.slice(0, 8 + 64)),
    finds: ['blob-mismatch', 'unreferenced-blob'],
  },
  'a stray temporary file': { seed: put(`.a.${NONCE}.tmp`), finds: ['leftover-file'] },
  'a stray temporary sidecar': { seed: put('a.meta.json.123456'), finds: ['leftover-file'] },
  'half a copy in quarantine': { seed: put(`.quarantine/a/.${NONCE}.tmp`), finds: ['leftover-file'] },
  'a lease of a dead process': {
    seed: (folder) => put(`.locks/a/${NONCE}`, deadOwner())(folder),
    finds: ['stale-lease'],
  },
  'a waiter that died': {
    seed: (folder) => put(`.locks/.waiting/a.${NONCE}/${NONCE}`, deadOwner())(folder),
    finds: ['stale-lease'],
  },
  'a marker that a version before left': { seed: put('.running/a'), finds: ['leftover-file'] },
  'a log that others may read': { seed: (folder) => fs.chmodSync(log(folder), 0o644), finds: ['permissions'] },
  'a sidecar that others may read': {
    seed: (folder) => fs.chmodSync(sidecar(folder), 0o640),
    finds: ['permissions'],
  },
  'blobs that others may read': {
    seed: (folder) => fs.chmodSync(path.join(folder, 'g.blobs'), 0o755),
    finds: ['permissions'],
  },
}

/** Path, mode and content of all that is in a folder. */
function snapshot(folder: string): Record<string, string> {
  const names = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  return Object.fromEntries(
    names.map((name) => {
      const stat = fs.lstatSync(path.join(folder, name))
      return [name, `${stat.mode} ${stat.isFile() ? fs.readFileSync(path.join(folder, name), 'latin1') : ''}`]
    }),
  )
}

async function look<T>(folder: string, work: (store: SessionStore) => Promise<T>): Promise<T> {
  const store = await openStore(folder, { readOnly: true })
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

const found = (folder: string) => look(folder, async (store) => (await store.check()).findings)
const kinds = (findings: { kind: string }[]) => findings.map(({ kind }) => kind).sort()

describe('check', () => {
  test('finds nothing where nothing is wrong, and counts', async () => {
    const folder = scene()
    const checked = await look(folder, (store) => store.check())
    expect(checked).toMatchObject({ sessions: 3, messages: 4, findings: [], failed: [] })
  })

  test.each(Object.entries(CASES))('%s', async (name, { seed, finds, left = [] }) => {
    const folder = scene()
    seed(folder)
    const before = snapshot(folder)
    const findings = await found(folder)
    expect(kinds(findings)).toEqual([...finds].sort())
    expect(snapshot(folder)).toEqual(before)
    const doable = findings.filter(({ remedy }) => remedy !== null)
    expect(await look(folder, (store) => store.check({ fix: true }))).toMatchObject({ mended: doable, failed: [] })
    expect(kinds(await found(folder))).toEqual([...left].sort())
    const after = snapshot(folder)
    const seeded = Object.values(before).some((content) => content.includes('KEEP-ME'))
    if (seeded) expect(Object.values(after).some((content) => content.includes('KEEP-ME'))).toBe(true)
    // the messages are still there, and the session can be used
    const store = await openStore(folder)
    const texts = (await store.session('a').messages()).map(({ content }) => content)
    expect(texts.slice(0, 3)).toEqual(['1', '2', '3'])
    const keepsRun = !/half a sidecar|another session/.test(name)
    expect((await store.session('a').state())?.state).toBe(keepsRun ? 'error' : 'idle')
    await store.session('a').append({ role: 'user', content: 'next' })
    await store.close()
  })

  test('reports line, offset and length', async () => {
    const folder = scene()
    const { size } = fs.statSync(log(folder))
    add('KEEP-ME\n')(folder)
    const [finding] = await found(folder)
    expect(finding).toMatchObject({ key: 'a', file: log(folder), line: 5, offset: size, length: 8, isDamage: true })
  })
})
