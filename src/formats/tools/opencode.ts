/** opencode: the object of `opencode export`, or its storage folder with `session/`, `message/` and `part/`. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import { type Call, type CallUsage, contentOf, countOf, objectOf, objectsOf, textOr } from '../shared/blocks.js'
import type { Draft } from '../shared/draft/draft.js'
import { others } from '../shared/fields.js'
import type { DocumentFormat, FolderFormat } from '../shared/format.js'
import { type Counts, countVerdict, type Job, noCounts, type SourceFolder } from '../shared/job.js'
import { type Unit, unitOf } from '../shared/unit.js'

const INFO_FIELDS = new Set(['id', 'sessionID', 'role', 'time'])
const DONE = new Set(['completed', 'error'])

interface Entry {
  info: JsonObject
  parts: JsonObject[]
}

function usageOf(tokens: Json | undefined): CallUsage {
  const { input, output, reasoning, cache } = objectOf(tokens)
  const [cacheReadTokens, cacheCreationTokens] = [countOf(objectOf(cache).read), countOf(objectOf(cache).write)]
  return {
    promptTokens: countOf(input) + cacheReadTokens + cacheCreationTokens,
    completionTokens: countOf(output) + countOf(reasoning),
    cacheReadTokens,
    cacheCreationTokens,
    thinkingTokens: countOf(reasoning),
  }
}

function order(a: JsonObject, b: JsonObject, ...of: Array<(value: JsonObject) => number | string>): number {
  for (const key of of) {
    const [x, y] = [key(a), key(b)]
    if (x !== y) return x < y ? -1 : 1
  }
  return 0
}

const createdOf = (info: JsonObject) => Number(objectOf(info.time).created) || 0
const idOf = (value: JsonObject) => `${value.id ?? ''}`

function writeSession(job: Job, info: JsonObject, given: readonly Entry[], counts: Counts): void {
  const draft = job.session(textOr(info.id) ?? job.file.stem)
  draft.labels.agent = 'opencode'
  const created = objectOf(info.time).created
  if (typeof created === 'number') draft.createdAt = `${created}`
  draft.setName(info.title)
  draft.setRoot(info.directory)
  draft.setMetadata('cliVersion', info.version)
  const parent = textOr(info.parentID)
  if (parent !== undefined) draft.setMetadata('parent', `${job.format}/${parent}`)
  draft.keep(unitOf(info, 0), created)
  const entries = [...given].sort((a, b) => order(a.info, b.info, createdOf, idOf))
  entries.forEach(({ info: message, parts }, index) => {
    const sorted = [...parts].sort((a, b) => order(a, b, idOf))
    countVerdict(counts, writeMessage(draft, unitOf({ info: message, parts: sorted }, index + 1), message, sorted))
  })
}

function writeMessage(draft: Draft, unit: Unit, info: JsonObject, parts: readonly JsonObject[]): 'used' | 'record' {
  const { role } = info
  const at = objectOf(info.time).created
  if (role !== 'user' && role !== 'assistant') {
    draft.record(unit, at)
    return 'record'
  }
  const of = (...types: string[]) => parts.filter(({ type }) => types.includes(`${type}`))
  const texts = of('text')
  if (role === 'assistant' && info.summary === true) {
    const text = contentOf(texts)
    draft.compaction(unit, at, typeof text === 'string' ? text : '', draft.lastMessage)
    draft.carry(usageOf(info.tokens))
    return 'used'
  }
  const content = contentOf(role === 'user' ? of('text', 'file') : texts)
  const tools = of('tool')
  const calls = tools.map(({ callID, tool, state }): Call => {
    return { id: textOr(callID), name: tool ?? null, arguments: objectOf(state).input ?? null }
  })
  const known = new Set(role === 'user' ? ['text', 'file', 'tool', 'reasoning'] : ['text', 'tool', 'reasoning'])
  const more = parts.filter(({ type }) => !known.has(`${type}`))
  const synthetic = texts.flatMap((part, index) => (part.synthetic === true ? [index] : []))
  draft.setMetadata('model', info.modelID ?? objectOf(info.model).modelID)
  draft.message(unit, {
    id: textOr(info.id),
    at,
    role,
    content,
    thinking: of('reasoning'),
    calls,
    usage: role === 'assistant' ? usageOf(info.tokens) : undefined,
    source: {
      ...others(info, INFO_FIELDS),
      ...(synthetic.length > 0 ? { synthetic } : {}),
      ...(more.length > 0 ? { parts: more } : {}),
      ...(tools.length > 0 ? { tools: tools.map((tool) => others(tool, new Set(['callID', 'tool', 'state']))) } : {}),
    },
  })
  tools.forEach((tool, index) => {
    const state = objectOf(tool.state)
    if (!DONE.has(`${state.status}`)) return
    const output = state.status === 'error' ? (state.error ?? state.output) : state.output
    draft.message(unit, {
      id: textOr(info.id),
      part: `result ${index}`,
      at: objectOf(state.time).end ?? at,
      role: 'tool',
      content: output ?? '',
      toolCallId: textOr(tool.callID) ?? `${info.id}:${index}`,
      source: others(state, new Set(['input', 'output'])),
    })
  })
  return 'used'
}

export const opencodeDocument: DocumentFormat = {
  kind: 'document',
  name: 'opencode',
  title: '`opencode export`, and the storage folder',
  hints: ['opencode'],
  sniff({ shape, objects }) {
    const [value] = objects
    const isExport =
      shape === 'object' &&
      isObject(value?.info) &&
      ('messages' in value || 'directory' in value.info || 'projectID' in value.info)
    return isExport ? { weight: 3, why: 'an object with info and messages' } : undefined
  },
  convert(value, job) {
    const counts = noCounts()
    const { info, messages } = objectOf(value)
    const entries = objectsOf(messages).map((entry) => ({ info: objectOf(entry.info), parts: objectsOf(entry.parts) }))
    writeSession(job, objectOf(info), entries, counts)
    return counts
  },
}

export const opencodeFolder: FolderFormat = {
  kind: 'folder',
  name: 'opencode',
  title: opencodeDocument.title,
  hints: opencodeDocument.hints,
  sniff({ entries }) {
    const isStorage = ['session/', 'message/', 'part/'].every((name) => entries.includes(name))
    return isStorage ? { weight: 3, why: 'folders session, message and part' } : undefined
  },
  convert(folder, job) {
    const counts = noCounts()
    for (const project of folder.list('session')) {
      if (!project.endsWith('/')) continue
      for (const file of folder.list(`session/${project}`)) {
        if (!file.endsWith('.json')) continue
        const info = readObject(folder, `session/${project}${file}`, job)
        if (info === undefined) continue
        const id = textOr(info.id) ?? file.slice(0, -'.json'.length)
        writeSession(job, { ...info, id }, entriesOf(folder, id, job), counts)
      }
    }
    return counts
  },
}

function entriesOf(folder: SourceFolder, session: string, job: Job): Entry[] {
  const entries: Entry[] = []
  for (const file of filesIn(folder, `message/${session}`)) {
    const info = readObject(folder, file, job)
    if (info === undefined) continue
    const parts = filesIn(folder, `part/${info.id}`).flatMap((part): JsonObject[] => {
      const read = readObject(folder, part, job)
      return read === undefined ? [] : [read]
    })
    entries.push({ info, parts })
  }
  return entries
}

/** Paths of the JSON files in a folder whose name comes from the source: never one above. */
function filesIn(folder: SourceFolder, path: string): string[] {
  if (path.split('/').length !== 2 || path.endsWith('../..') || path.includes('\\')) return []
  return folder.list(path).flatMap((name) => (name.endsWith('.json') ? [`${path}/${name}`] : []))
}

/** One file of several that does not parse is reported, and the others are read. */
function readObject(folder: SourceFolder, file: string, job: Job): JsonObject | undefined {
  try {
    const value: Json = JSON.parse(folder.read(file)?.toString() ?? 'null')
    if (isObject(value)) return value
    job.warn(`${file}: not a JSON object`)
  } catch {
    job.warn(`${file}: not JSON`)
  }
  return undefined
}
