/** What an agent loop does: contexts, and a few questions to a long session. */
import assert from 'node:assert/strict'
import { OurAgent, SqliteAgent } from '../competitors/agents.mjs'
import { atMost, known, under } from '../goals.mjs'
import { contestant } from './contestant.mjs'

const TEXT = 'The function reads the file, checks every line and answers with what it found. '.repeat(4)

const PARSING = 'parsing the lines alone takes 0.4 of sqlite, pairing the calls and making the answer as much again'

/** Turns of four messages: question, call, result, answer. */
function history(count) {
  return Array.from({ length: count }, (_, i) => {
    const call = `call-${i >> 2}`
    if (i % 4 === 0) return { role: 'user', content: `${i} ${TEXT}` }
    if (i % 4 === 1)
      return { role: 'assistant', toolCalls: JSON.stringify([{ id: call, name: 'read', arguments: '{}' }]) }
    if (i % 4 === 2) return { role: 'tool', toolCallId: call, content: `${i} ${TEXT}` }
    return { role: 'assistant', content: `${i} ${TEXT}`, usage: { promptTokens: 900, completionTokens: 60 } }
  })
}

const row = (count, name, work, unit, prepare, goals) => ({
  name: `agent-${name}-${count}`,
  work: `agent session of ${count.toLocaleString('en')}: ${work}`,
  unit,
  contestants: [OurAgent, SqliteAgent].map((Agent) =>
    contestant(Agent, (agent) => prepare(agent, count), { fill: (agent) => agent.fill(history(count)) }),
  ),
  goals,
})

/** Asks once more what it asked, and compares with what the history says. */
const question = (ask, expected) => (agent, count) => ({
  operation: () => ask(agent),
  proof: async () => assert.deepEqual(await ask(agent), expected(count)),
})

export function agentRows(count) {
  const context = (agent) => ({
    operation: () => agent.context(),
    proof: async () => assert.equal((await agent.context()).length, count),
  })
  const insert = (agent) => {
    let inserted = 0
    return {
      operation: () => agent.insert({ role: 'user', content: `new ${inserted++} ${TEXT}` }),
      proof: async () => assert.equal((await agent.context()).length, count + inserted),
    }
  }
  const last = question(
    (agent) => agent.lastAssistant(),
    () => history(count).at(-1).content,
  )
  const pending = question(
    (agent) => agent.hasPending(),
    () => false,
  )
  const metadata = question(
    (agent) => agent.getMetadata('branch'),
    () => 'main',
  )
  const quick = [under(1000, 'median')]
  return [
    row(count, 'context', 'context', 'ms', context, [known(1.4, PARSING, atMost(0.75, 'sqlite'))]),
    row(count, 'insert', 'insert', 'µs', insert, quick),
    row(count, 'last', 'last answer', 'µs', last, quick),
    row(count, 'pending', 'pending calls?', 'µs', pending, quick),
    row(count, 'metadata', 'one metadata key', 'µs', metadata, quick),
  ]
}
