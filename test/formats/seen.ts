/** What readers see of imported sessions, and files to import. */
import fs from 'node:fs'
import path from 'node:path'
import { type ExportFormat, exportSession, type ImportOptions, importFile } from '../../src/formats/index.js'
import { openStore, type Session, type SessionStore } from '../../src/index.js'
import { totalUsage } from '../../src/log/usage.js'
import { internalsOf } from '../../src/store/store.js'
import { tempFolder } from '../helpers/store.js'

/** All that a session holds: messages with ids and times, labels, usage, how much is archived. */
export async function contentOf(store: SessionStore, key: string) {
  const { summary } = (await internalsOf(store).log(key).current())!
  const { labels, archived } = summary
  const { name, tags, metadata } = labels
  const usages = [...totalUsage(summary)]
  return {
    messages: await store.session(key).messages(),
    labels: { name: name ?? null, tags: tags ?? [], metadata: metadata ?? {} },
    usage: Object.fromEntries(usages.filter(([, one]) => Object.values(one).some((count) => count > 0))),
    archived: archived.messages,
  }
}

/** The same, as a store that is opened for it reads it. */
export async function contentIn(root: string, key: string) {
  const store = await openStore(root)
  try {
    return await contentOf(store, key)
  } finally {
    await store.close()
  }
}

/** The same of all sessions but for what depends on the file that they came from: its time, its path, places in it. */
export async function seenIn(root: string) {
  const store = await openStore(root)
  try {
    const seen = new Map<string, unknown>()
    for (const key of await store.keys()) {
      const { messages, labels, ...said } = await contentOf(store, key)
      const plain = messages.map(({ at: _, source: __, ...message }) => message)
      seen.set(key, { messages: plain, name: labels.name, ...said })
    }
    return seen
  } finally {
    await store.close()
  }
}

export async function importInto(root: string, file: string, options: ImportOptions = {}) {
  const store = await openStore(root)
  try {
    return await importFile(store, file, options)
  } finally {
    await store.close()
  }
}

export function bytesIn(root: string): string[] {
  const logs = fs.readdirSync(root).filter((name) => name.endsWith('.jsonl'))
  return logs.sort().map((name) => `${name}\0${fs.readFileSync(path.join(root, name), 'utf8')}`)
}

/** A file in a folder of its own, so that its key is the same in each store. */
export function fileWith(text: string | Buffer, dir = tempFolder(), name = 'session.jsonl'): string {
  const file = path.join(dir, name)
  fs.writeFileSync(file, text)
  fs.utimesSync(file, 1_700_000_000, 1_700_000_000)
  return file
}

export async function textOf(session: Session, format: ExportFormat, options = {}): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of exportSession(session, format, options)) parts.push(part)
  return Buffer.concat(parts).toString()
}

export interface Turn {
  role: string
  /** A text, null for none, or undefined for what other formats have another place for. */
  content: string | null | undefined
  calls: Array<{ name: unknown; arguments: unknown }>
  /** Which of the calls so far it answers. */
  answers: number | null
}

/** What formats of training data know of a session. */
export async function turnsOf(session: Session): Promise<Turn[]> {
  const open: string[] = []
  const turns: Turn[] = []
  for (const { role, content, toolCalls, toolCallId } of await session.messages()) {
    const calls: Array<{ id: string; name: unknown; arguments: unknown }> =
      typeof toolCalls === 'string' ? JSON.parse(toolCalls) : []
    const answers = typeof toolCallId === 'string' ? open.indexOf(toolCallId) : -1
    for (const { id } of calls) open.push(id)
    turns.push({
      role,
      content: typeof content === 'string' ? content || null : content == null ? null : undefined,
      calls: calls.map(({ name, arguments: given }) => ({ name, arguments: argumentsOf(given) })),
      answers: answers === -1 ? null : answers,
    })
  }
  return turns
}

/** Arguments are compared as values: the text of some is that of their JSON. */
function argumentsOf(given: unknown): unknown {
  try {
    return typeof given === 'string' ? JSON.parse(given) : (given ?? null)
  } catch {
    return given
  }
}

/** As ShareGPT has them: a text and a call are two turns there. */
export function flat(turns: readonly Turn[]): Turn[] {
  return turns.flatMap((turn) => {
    const isBoth = turn.calls.length > 0 && turn.content !== null
    return isBoth
      ? [
          { ...turn, calls: [] },
          { ...turn, content: null },
        ]
      : [turn]
  })
}

/** The lines of a source by their numbers, as an import with `raw` keeps them. */
export function rawLinesIn(sessions: readonly Session[]): Map<number, unknown> {
  const found = new Map<number, unknown>()
  for (const { path: log } of sessions) {
    for (const line of fs.readFileSync(log, 'utf8').split('\n').slice(0, -1)) {
      const value = JSON.parse(line)
      if (value.type === 'record' && !found.has(value.line)) found.set(value.line, value.record)
      const { raw, lines, line: first } = value.source ?? {}
      raw?.forEach((one: unknown, index: number) => {
        found.set(lines?.[index] ?? first, one)
      })
    }
  }
  return found
}
