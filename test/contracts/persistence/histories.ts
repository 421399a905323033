/** Random histories of an agent's session. */
import fc from 'fast-check'
import { v7 } from 'uuid'
import type { Message, NewAgentMessage, Persistence, SessionId } from '../../../src/contracts/persistence/index.js'
import type { SessionStore } from '../../../src/index.js'
import { calls } from '../../conformance/persistence/notation.js'

export type Step =
  | { do: 'insert'; message: NewAgentMessage }
  | { do: 'compact'; keep: number }
  | { do: 'purge'; days: number }
  | { do: 'wait'; ms: number }
  | { do: 'remove'; place: number }
  | { do: 'rewind' }
  | { do: 'archive by hand'; place: number }
  | { do: 'rewrite' }
  | { do: 'metadata'; key: string; value: string }

const DAY = 86_400_000

const callId = fc.constantFrom('x', 'y', 'z')
const text = fc.oneof(
  { weight: 4, arbitrary: fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' }) },
  fc.constantFrom(null, '', ' \n'),
)
const usage = fc.option(
  fc.record({
    promptTokens: fc.nat(1000),
    completionTokens: fc.nat(1000),
    cacheReadTokens: fc.nat(9),
    cacheCreationTokens: fc.nat(9),
    thinkingTokens: fc.nat(9),
  }),
)
const agentName = fc.constantFrom(null, 'main', 'helper', '')

const message: fc.Arbitrary<NewAgentMessage> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ role: fc.constant('user' as const), content: text }) },
  { weight: 3, arbitrary: fc.record({ role: fc.constant('assistant' as const), content: text, usage, agentName }) },
  {
    weight: 5,
    arbitrary: fc.record({
      role: fc.constant('assistant' as const),
      content: text,
      toolCalls: fc.oneof(
        { weight: 6, arbitrary: fc.array(callId, { minLength: 1, maxLength: 3 }).map((ids) => calls(...ids)) },
        fc.constantFrom('[]', 'not json', '{"id":"x"}', '[{"id":5}]'),
      ),
      usage,
      agentName,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      role: fc.constant('tool' as const),
      content: text,
      toolCallId: fc.oneof({ weight: 8, arbitrary: callId }, fc.constantFrom(null, 'w', '')),
      usage: fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, usage),
    }),
  },
  { weight: 1, arbitrary: fc.record({ role: fc.constant('system' as const), content: text }) },
)

const insertion = message.map((given): Step => ({ do: 'insert', message: given }))

/** Messages alone. */
export const conversation = fc.array(insertion, { maxLength: 25 })

/** Messages, and all that can happen to them. */
export const history = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: insertion },
    { weight: 3, arbitrary: fc.nat(6).map((keep): Step => ({ do: 'compact', keep })) },
    { weight: 1, arbitrary: fc.nat(2).map((days): Step => ({ do: 'purge', days })) },
    { weight: 1, arbitrary: fc.constantFrom(1, DAY, DAY + 1).map((ms): Step => ({ do: 'wait', ms })) },
    { weight: 1, arbitrary: fc.nat(30).map((place): Step => ({ do: 'remove', place })) },
    { weight: 1, arbitrary: fc.constant<Step>({ do: 'rewind' }) },
    { weight: 1, arbitrary: fc.nat(30).map((place): Step => ({ do: 'archive by hand', place })) },
    { weight: 1, arbitrary: fc.constant<Step>({ do: 'rewrite' }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('metadata' as const),
        key: fc.constantFrom('a', '__proto__'),
        value: fc.string(),
      }),
    },
  ),
  { maxLength: 30 },
)

/** A session in which steps are taken; times and ids of hand-made lines come from its own clock. */
export interface Stage {
  store: SessionStore
  persistence: Persistence
  id: SessionId
  clock: { ms: number }
  /** The log's text, for lines that other programs add. */
  add(line: object): void
}

/** Takes a step; returns how many messages it archived or deleted. */
export async function take({ store, persistence, id, clock, add }: Stage, step: Step): Promise<number> {
  const at = new Date(clock.ms).toISOString()
  switch (step.do) {
    case 'insert':
      await persistence.insertMessageWithAgent(id, step.message)
      return 0
    case 'compact':
      return persistence.compactSession(id, `summary at ${clock.ms}`, step.keep)
    case 'purge':
      return persistence.purgeCompacted(step.days)
    case 'wait':
      clock.ms += step.ms
      return 0
    case 'rewrite':
      await store.session(id).rewrite()
      return 0
    case 'metadata':
      await persistence.setMetadata(id, step.key, step.value)
      return 0
    case 'rewind': {
      const [first] = await persistence.loadContext(id)
      if (first?.kind === 'summary') add({ type: 'remove', id: idByHand(clock.ms), at, ids: [first.id] })
      return 0
    }
    default: {
      const messages = await persistence.loadAllMessages(id)
      const named: Message | undefined = messages[step.place % Math.max(messages.length, 1)]
      if (named === undefined) return 0
      if (step.do === 'remove') add({ type: 'remove', id: idByHand(clock.ms), at, ids: [named.id] })
      else add({ type: 'compaction', id: idByHand(clock.ms), at, summary: 'by hand', through: named.id })
      return 0
    }
  }
}

let made = 0

/** Of every second program the ids rise with ours. */
function idByHand(ms: number): string {
  made++
  return made % 2 === 0 ? v7({ msecs: ms + 1 }) : `by-hand-${made}`
}
