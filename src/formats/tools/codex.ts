/** Codex: `~/.codex/sessions/…/rollout-*.jsonl`, lines `{timestamp, type, payload}`. */
import { isObject } from '../../base/json.js'
import type { UnitFormat } from '../shared/format.js'
import { type CodexPlan, CodexPlanner } from './codex/codex-plan.js'
import { CodexReader } from './codex/codex-reader.js'

const TYPES = new Set(['session_meta', 'response_item', 'event_msg', 'turn_context'])

export const codex: UnitFormat = {
  kind: 'units',
  name: 'codex',
  title: 'Codex rollouts (rollout-*.jsonl)',
  hints: ['.codex', 'codex', 'rollout-'],
  sniff({ shape, objects }) {
    if (shape !== 'lines') return undefined
    const found = objects.find(
      ({ type, payload, timestamp }) => TYPES.has(type as string) && isObject(payload) && timestamp !== undefined,
    )
    return found && { weight: 3, why: `a line of type ${found.type} with a payload` }
  },
  reader: (job, _file, { plan, state }) => new CodexReader(job, { plan: plan as CodexPlan | undefined, state }),
  planner: () => new CodexPlanner(),
}
