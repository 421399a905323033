/** Logs of Claude Code and Codex of any size: questions, answers of several lines, calls, results of some KB. */
import fs from 'node:fs'

const WORDS = 'the session keeps every line of a talk in one file that people can read with the tools they have'.split(
  ' ',
)
const START = Date.parse('2026-01-01T00:00:00Z')
const BLOCK = 1024 * 1024

function textOf(n, count) {
  return Array.from({ length: count }, (_, k) => WORDS[(n * 7 + k * 3) % WORDS.length]).join(' ')
}

const timeOf = (n) => new Date(START + n * 1_000).toISOString()

/** Lines of one turn: a question, an answer with a call, the result, an answer. Each follows the last one. */
function* claudeTurn(turn, first, parent) {
  let n = first
  let parentUuid = parent
  const line = (type, message, more) => {
    const uuid = `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`
    const about = { sessionId: 's', cwd: '/srv/app', version: '2.1.0', gitBranch: 'main', isSidechain: false }
    const made = { parentUuid, ...about, type, message, uuid, timestamp: timeOf(n), ...more }
    parentUuid = uuid
    n++
    return made
  }
  const answer = (id, content, output) => ({
    ...{ id, type: 'message', role: 'assistant', model: 'claude-x', stop_reason: null },
    content: [content],
    usage: { input_tokens: 12, cache_read_input_tokens: 9_000, cache_creation_input_tokens: 30, output_tokens: output },
  })
  yield line('user', { role: 'user', content: `${turn}: ${textOf(turn, 60)}` })
  const id = `msg_${turn}`
  yield line('assistant', answer(id, { type: 'thinking', thinking: textOf(turn, 120), signature: 'x'.repeat(300) }, 1))
  yield line('assistant', answer(id, { type: 'text', text: textOf(turn + 1, 80) }, 40))
  yield line(
    'assistant',
    answer(id, { type: 'tool_use', id: `c${turn}`, name: 'Read', input: { file: `${turn}` } }, 70),
  )
  const output = textOf(turn, 200 + (turn % 7) * 200)
  const result = { type: 'tool_result', tool_use_id: `c${turn}`, content: output }
  yield line('user', { role: 'user', content: [result] }, { toolUseResult: { type: 'text', file: `${turn}` } })
  yield line('assistant', answer(`${id}b`, { type: 'text', text: textOf(turn + 2, 150) }, 90))
}

function* codexTurn(turn, first) {
  let n = first
  const line = (type, payload) => ({ timestamp: timeOf(n++), type, payload })
  const item = (payload) => line('response_item', payload)
  if (turn === 0) yield line('session_meta', { id: 's', timestamp: timeOf(0), cwd: '/srv/app', cli_version: '0.90.0' })
  const question = `${turn}: ${textOf(turn, 60)}`
  yield item({ type: 'message', role: 'user', content: [{ type: 'input_text', text: question }] })
  yield line('event_msg', { type: 'user_message', message: question })
  yield item({
    type: 'reasoning',
    summary: [{ type: 'summary_text', text: textOf(turn, 40) }],
    encrypted_content: 'x'.repeat(900),
  })
  const call = `call_${turn}`
  yield item({ type: 'function_call', name: 'exec', arguments: '{"command":["cat","a.ts"]}', call_id: call })
  yield item({ type: 'function_call_output', call_id: call, output: textOf(turn, 200 + (turn % 7) * 200) })
  const answer = textOf(turn + 2, 150)
  yield item({ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: answer }] })
  yield line('event_msg', { type: 'agent_message', message: answer })
  const last = { input_tokens: 9_042, cached_input_tokens: 9_000, output_tokens: 160, total_tokens: 9_202 }
  const total = { input_tokens: 9_042 * (turn + 1), output_tokens: 160 * (turn + 1), total_tokens: 9_202 * (turn + 1) }
  yield line('event_msg', { type: 'token_count', info: { total_token_usage: total, last_token_usage: last } })
}

const TURNS = { 'claude-code': claudeTurn, codex: codexTurn }

/** A log of at least `size` bytes; how many lines it has. */
export function writeLog(file, format, size) {
  const fd = fs.openSync(file, 'w')
  let [bytes, lines, block] = [0, 0, '']
  let parent = null
  for (let turn = 0; bytes < size; turn++) {
    for (const line of TURNS[format](turn, lines, parent)) {
      block += `${JSON.stringify(line)}\n`
      lines++
      parent = line.uuid ?? null
    }
    if (block.length < BLOCK && bytes + block.length < size) continue
    bytes += fs.writeSync(fd, block)
    block = ''
  }
  fs.closeSync(fd)
  return { lines, bytes, parent }
}

/** The lines of a turn that comes behind such a log. */
export function nextTurn(format, { lines, parent }) {
  const turn = 10_000_000
  return [...TURNS[format](turn, lines, parent)].map((line) => `${JSON.stringify(line)}\n`).join('')
}
