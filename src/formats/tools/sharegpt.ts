/** ShareGPT: `{conversations: [{from, value}]}` in an array or in lines. */
import { isObject, type Json } from '../../base/json.js'
import { type Call, objectsOf, parsedArguments, textOr, without } from '../shared/blocks.js'
import type { Draft } from '../shared/draft/draft.js'
import type { UnitFormat, UnitReader } from '../shared/format.js'
import type { Job, Verdict } from '../shared/job.js'
import { roleOf } from '../shared/roles.js'
import { partsOf, type Unit, unitOf } from '../shared/unit.js'

const TURN_FIELDS = 'from value'.split(' ')

/** What a `function_call` says: one call, or several in an array. */
function callsIn(value: Json | undefined): Call[] {
  let parsed: Json = value ?? null
  if (typeof parsed === 'string') {
    try {
      parsed = JSON.parse(parsed)
    } catch {
      return [{ name: null, arguments: parsed }]
    }
  }
  return (Array.isArray(parsed) ? parsed : [parsed]).map((call) => {
    if (!isObject(call)) return { name: null, arguments: call }
    return { name: call.name ?? null, arguments: parsedArguments(call.arguments ?? call.parameters) }
  })
}

/** Writes the turns of one conversation. A result belongs to the oldest open call. */
function writeTurns(draft: Draft, turns: readonly Unit[]): void {
  const open: string[] = []
  turns.forEach((unit, index) => {
    const turn = unit.value
    const more = without(turn, ...TURN_FIELDS)
    const id = `${index + 1}`
    if (turn.from === 'function_call') {
      const calls = callsIn(turn.value).map((call, place) => ({ ...call, id: `call_${id}_${place}` }))
      for (const call of calls) open.push(call.id)
      draft.message(unit, {
        id,
        role: 'assistant',
        content: null,
        calls,
        source: { ...more, value: turn.value ?? null },
      })
      return
    }
    const role = roleOf(turn.from)
    const isResult = role === 'tool'
    draft.message(unit, {
      id,
      role: role ?? 'user',
      content: turn.value ?? null,
      toolCallId: isResult ? open.shift() : undefined,
      source: { ...more, role: turn.from ?? null },
    })
  })
}

class ShareGptReader implements UnitReader {
  readonly #job: Job

  constructor(job: Job) {
    this.#job = job
  }

  push(unit: Unit): Verdict {
    const { value } = unit
    const { conversations, system, tools } = value
    if (!Array.isArray(conversations)) return { bad: 'no list of conversations' }
    const draft = this.#job.session(textOr(value.id) ?? `${this.#job.file.name}#${unit.line}`)
    if (typeof system === 'string') {
      draft.setMetadata('system', system)
    }
    if (tools !== undefined) draft.setMetadata('tools', typeof tools === 'string' ? tools : JSON.stringify(tools))
    const head = typeof system === 'string' && system !== '' ? [{ system }] : []
    const parts = partsOf(unit, [...head, ...objectsOf(conversations)])
    for (const part of parts.splice(0, head.length)) {
      draft.message(part, {
        id: 'system',
        role: 'system',
        content: part.value.system ?? null,
        source: { isField: true },
      })
    }
    writeTurns(draft, parts)
    const rest = without(value, 'conversations', 'system', 'tools')
    if (Object.keys(rest).length > 0) draft.keep(unitOf(rest, unit.line))
    this.#job.close(draft)
    return 'used'
  }

  end(): void {}
}

export const sharegpt: UnitFormat = {
  kind: 'units',
  name: 'sharegpt',
  title: 'ShareGPT conversations, an array or lines',
  hints: ['sharegpt'],
  sniff({ shape, objects }) {
    const isShared =
      (shape === 'lines' || shape === 'array') &&
      objects.some(({ conversations }) =>
        objectsOf(conversations).some((turn) => turn.from !== undefined && turn.value !== undefined),
      )
    return isShared ? { weight: 3, why: 'conversations with from and value' } : undefined
  },
  reader: (job) => new ShareGptReader(job),
}
