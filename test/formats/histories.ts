/** Random sessions as other tools write them. The same seed gives the same session. */

/** A small generator of numbers from 0 to 1. */
function random(seed: number): () => number {
  let state = seed * 2_654_435_761
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32
  }
}

const lines = (objects: readonly object[]) => objects.map((object) => `${JSON.stringify(object)}\n`).join('')

function clock(next: () => number) {
  let ms = Date.UTC(2026, 0, 1)
  return () => {
    ms += Math.floor(next() * 3000)
    return new Date(ms).toISOString()
  }
}

/** Answers of several lines, calls side by side, rewinds, a title. */
export function claudeSession(seed: number): string {
  const next = random(seed)
  const at = clock(next)
  const made: object[] = []
  let parent: string | null = null
  let n = 0
  const put = (line: object) => {
    const uuid = `u${n++}`
    made.push({ parentUuid: parent, isSidechain: false, sessionId: 's', uuid, timestamp: at(), ...line })
    parent = uuid
    return uuid
  }
  const turns = 2 + Math.floor(next() * 4)
  for (let turn = 0; turn < turns; turn++) {
    const start: string | null = parent
    put({ type: 'user', message: { role: 'user', content: `question ${n} — é` } })
    for (let step = 0; step < 2; step++) {
      const id = `msg_${n}`
      const answer = (content: object, output: number) =>
        put({
          type: 'assistant',
          message: {
            id,
            role: 'assistant',
            model: 'm',
            content: [content],
            usage: { input_tokens: 10, output_tokens: output },
          },
        })
      if (next() < 0.5) answer({ type: 'thinking', thinking: 'hm', signature: 's' }, 1)
      answer({ type: 'text', text: `answer ${n}` }, 2)
      if (next() < 0.6) {
        const call = `call_${n}`
        answer({ type: 'tool_use', id: call, name: 'Read', input: { n } }, 9)
        put({
          type: 'user',
          message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: call, content: 'ok' }] },
        })
      }
      if (next() < 0.3) put({ type: 'progress', data: {} })
    }
    if (next() < 0.3 && turn < turns - 1) parent = start
  }
  if (next() < 0.5) made.push({ type: 'custom-title', customTitle: `title ${seed}`, sessionId: 's' })
  return lines(made)
}

export function codexSession(seed: number): string {
  const next = random(seed)
  const at = clock(next)
  const made: object[] = []
  const put = (type: string, payload: object) => made.push({ timestamp: at(), type, payload })
  put('session_meta', { id: `session-${seed}`, timestamp: at(), cwd: '/srv' })
  let total = 0
  for (let turn = 0; turn < 2 + next() * 3; turn++) {
    put('response_item', { type: 'message', role: 'user', content: [{ type: 'input_text', text: `question ${turn}` }] })
    for (let step = 0; step < 3; step++) {
      if (next() < 0.5)
        put('response_item', { type: 'reasoning', summary: [{ type: 'summary_text', text: `why ${step}` }] })
      const call = `call_${turn}_${step}`
      if (next() < 0.6) {
        put('response_item', { type: 'function_call', name: 'exec', arguments: '{"a":1}', call_id: call })
        if (next() < 0.5) put('event_msg', { type: 'exec_command_end', call_id: call, aggregated_output: 'done' })
        put('response_item', { type: 'function_call_output', call_id: call, output: 'done' })
      } else
        put('response_item', {
          type: 'message',
          role: 'assistant',
          content: [{ type: 'output_text', text: `answer ${step}` }],
        })
      total += 100
      const usage = { input_tokens: total, output_tokens: 5, total_tokens: total + 5 }
      if (next() < 0.8)
        put('event_msg', {
          type: 'token_count',
          info: { total_token_usage: usage, last_token_usage: { ...usage, input_tokens: 100 } },
        })
    }
  }
  return lines(made)
}

/** A tree of entries, left and taken up again. */
export function piSession(seed: number): string {
  const next = random(seed)
  const at = clock(next)
  const made: object[] = [{ type: 'session', version: 3, id: `pi-${seed}`, timestamp: at(), cwd: '/srv' }]
  const ids: string[] = []
  let parent: string | null = null
  const put = (entry: object) => {
    const id = `e${made.length}`
    made.push({ id, parentId: parent, timestamp: at(), ...entry })
    ids.push(id)
    parent = id
  }
  for (let turn = 0; turn < 3 + next() * 5; turn++) {
    put({ type: 'message', message: { role: 'user', content: [{ type: 'text', text: `question ${turn}` }] } })
    const content = [{ type: 'text', text: `answer ${turn}` }]
    put({
      type: 'message',
      message: { role: 'assistant', content, usage: { input: 5, output: 2, cacheRead: 1, cacheWrite: 0 } },
    })
    if (next() < 0.2) put({ type: 'session_info', name: `name ${turn}` })
    if (next() < 0.3) parent = ids[Math.floor(next() * ids.length)] as string
  }
  return lines(made)
}

export function roleSession(seed: number): string {
  const next = random(seed)
  const at = clock(next)
  const made: object[] = []
  for (let i = 0; i < 4 + next() * 8; i++) {
    const role = i % 2 === 0 ? 'user' : 'assistant'
    // the same words come again
    const content = `words ${Math.floor(next() * 3)}`
    made.push(next() < 0.5 ? { role, content } : { role, content, timestamp: at() })
  }
  return lines(made)
}
