/** Cline and Roo Code: a folder a task, with `api_conversation_history.json` and `ui_messages.json`. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import {
  type CallUsage,
  contentOf,
  countOf,
  objectOf,
  objectsOf,
  resultContent,
  splitBlocks,
  textOr,
} from '../shared/blocks.js'
import type { Draft } from '../shared/draft/draft.js'
import { others } from '../shared/fields.js'
import type { FolderFormat } from '../shared/format.js'
import { type Counts, countVerdict, type Job, noCounts, type SourceFolder } from '../shared/job.js'
import { type Unit, unitOf } from '../shared/unit.js'

const HISTORY = 'api_conversation_history.json'
const FIELDS = new Set(['role', 'content', 'ts'])
/** A title is one line of a list. */
const MAX_TITLE = 1_000

function readJson(folder: SourceFolder, file: string, job: Job): Json | undefined {
  const bytes = folder.read(file)
  if (bytes === undefined) return undefined
  try {
    return JSON.parse(bytes.toString())
  } catch {
    job.warn(`${file}: not JSON`)
    return undefined
  }
}

/** The model calls that the user interface counted. */
function requestsOf(ui: readonly JsonObject[]): CallUsage[] {
  return ui.flatMap(({ say, text }) => {
    if (say !== 'api_req_started' || typeof text !== 'string') return []
    let facts: Json
    try {
      facts = JSON.parse(text)
    } catch {
      return []
    }
    if (!isObject(facts) || facts.tokensIn === undefined) return []
    const [cacheReadTokens, cacheCreationTokens] = [countOf(facts.cacheReads), countOf(facts.cacheWrites)]
    // what OpenAI counts as input holds what was cached
    const cached = facts.apiProtocol === 'openai' ? 0 : cacheReadTokens + cacheCreationTokens
    return [
      {
        promptTokens: countOf(facts.tokensIn) + cached,
        completionTokens: countOf(facts.tokensOut),
        cacheReadTokens,
        cacheCreationTokens,
      },
    ]
  })
}

function writeTask(folder: SourceFolder, job: Job): Counts {
  const counts = noCounts()
  const messages = objectsOf(readJson(folder, HISTORY, job))
  const ui = objectsOf(readJson(folder, 'ui_messages.json', job))
  const item = objectOf(readJson(folder, 'history_item.json', job))
  const draft = job.session(folder.name)
  draft.labels.agent = job.format
  draft.setRoot(item.workspace ?? item.cwdOnTaskInitialization)
  const task = item.task ?? ui.find(({ say }) => say === 'task' || say === 'text')?.text
  if (typeof task === 'string') draft.setName(task.slice(0, MAX_TITLE))
  const usages = requestsOf(ui)
  const answers = messages.filter(({ role, isSummary }) => role === 'assistant' && isSummary !== true).length
  const isPaired = usages.length === answers
  if (!isPaired) for (const usage of usages) draft.carry(usage)
  let answer = 0
  messages.forEach((message, index) => {
    const unit = unitOf(message, index + 1)
    const isAnswer = message.role === 'assistant' && message.isSummary !== true
    countVerdict(counts, writeMessage(draft, unit, isPaired && isAnswer ? usages[answer++] : undefined))
  })
  for (const file of ['ui_messages.json', 'task_metadata.json', 'history_item.json']) {
    const value = readJson(folder, file, job)
    if (value !== undefined) draft.keep(unitOf({ file, content: value }, 0))
  }
  return counts
}

function writeMessage(draft: Draft, unit: Unit, usage: CallUsage | undefined): 'used' | 'record' {
  const { value } = unit
  const { role, content, ts: at } = value
  if (role !== 'user' && role !== 'assistant') {
    draft.record(unit, at)
    return 'record'
  }
  const { rest, thinking, calls, results } = splitBlocks(content)
  const text = Array.isArray(content) ? contentOf(rest) : (content ?? null)
  if (value.isSummary === true) {
    draft.compaction(unit, at, typeof text === 'string' ? text : JSON.stringify(text), draft.lastMessage)
    return 'used'
  }
  results.forEach((result, index) => {
    draft.message(unit, {
      part: `result ${index}`,
      at,
      role: 'tool',
      content: resultContent(result.content),
      toolCallId: textOr(result.tool_use_id),
      source: others(result, new Set(['type', 'tool_use_id', 'content'])),
    })
  })
  if (results.length > 0 && rest.length === 0 && calls.length === 0) return 'used'
  draft.message(unit, { at, role, content: text, thinking, calls, usage, source: others(value, FIELDS) })
  return 'used'
}

function formatOf(
  name: string,
  title: string,
  hints: readonly string[],
  isOurs: (entries: readonly string[], names: string) => boolean,
): FolderFormat {
  return {
    kind: 'folder',
    name,
    title,
    hints,
    sniff: ({ entries, names }) =>
      entries.includes(HISTORY) && isOurs(entries, names) ? { weight: 3, why: `a folder with ${HISTORY}` } : undefined,
    convert: writeTask,
  }
}

const isRoo = (entries: readonly string[], names: string) => entries.includes('history_item.json') || /roo/.test(names)

export const cline: FolderFormat = formatOf(
  'cline',
  'Cline tasks: a folder with api_conversation_history.json',
  ['cline', 'claude-dev'],
  (entries, names) => !isRoo(entries, names),
)

export const rooCode: FolderFormat = formatOf(
  'roo-code',
  'Roo Code tasks: a folder with api_conversation_history.json',
  ['roo'],
  isRoo,
)
