/** Lines `{role, content}`: zeroclaw, and files written by hand. Objects without a role are records. */
import type { Json, JsonObject } from '../../base/json.js'
import { openAiCalls, textOr } from './blocks.js'
import { others } from './fields.js'
import type { Sample, UnitFormat } from './format.js'
import type { Verdict } from './job.js'
import { LinearReader } from './linear.js'
import { roleOf } from './roles.js'
import { readTime } from './times.js'
import type { Unit } from './unit.js'

const FIELDS = new Set([
  'id',
  'role',
  'content',
  'message',
  'text',
  'at',
  'timestamp',
  'created_at',
  'tool_calls',
  'tool_call_id',
])

function givenTime({ at, timestamp, created_at, time }: JsonObject): Json | undefined {
  return at ?? timestamp ?? created_at ?? time
}

class RoleReader extends LinearReader {
  protected timeIn(value: JsonObject) {
    return readTime(givenTime(value))
  }

  protected read(unit: Unit): Verdict {
    const { value } = unit
    const role = roleOf(value.role)
    const at = givenTime(value)
    if (role === undefined) {
      this.session.record(unit, at)
      return 'record'
    }
    const content = value.content ?? value.message ?? value.text ?? null
    this.session.message(unit, {
      at,
      role,
      content,
      calls: openAiCalls(value.tool_calls),
      toolCallId: textOr(value.tool_call_id),
      source: {
        ...others(value, FIELDS),
        ...(value.id === undefined ? {} : { messageId: value.id }),
        ...(role === value.role ? {} : { role: value.role ?? null }),
      },
    })
    return 'used'
  }
}

/** Our own logs and exports are no role lines, nor are files that another format recognises better. */
function hasRoles({ shape, objects }: Sample): boolean {
  const [first] = objects
  const isOurs = first?.type === 'session' && 'key' in first
  return shape === 'lines' && !isOurs && objects.some(({ role }) => roleOf(role) !== undefined)
}

export const roleLines: UnitFormat = {
  kind: 'units',
  name: 'role-lines',
  title: 'lines {"role", "content"} (*.jsonl)',
  hints: [],
  sniff: (sample) => (hasRoles(sample) ? { weight: 1, why: 'objects with a role' } : undefined),
  reader: (job, _file, { state }) => new RoleReader(job, state),
}

export const zeroclaw: UnitFormat = {
  kind: 'units',
  name: 'zeroclaw',
  title: 'zeroclaw sessions (*.jsonl)',
  hints: ['zeroclaw'],
  sniff: (sample) =>
    hasRoles(sample) && /zeroclaw/.test(sample.names)
      ? { weight: 1, why: 'objects with a role in a folder of zeroclaw' }
      : undefined,
  reader: (job, _file, { state }) => new RoleReader(job, state),
}
