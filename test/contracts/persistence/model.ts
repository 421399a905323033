/**
 * What the contract says about a conversation, written down a second time and as plainly as can be:
 * which messages a model sees, and how many a compaction archives.
 */
import type { Message } from '../../../src/contracts/persistence/index.js'

interface Group {
  assistant: number
  calls: string[]
  /** Places of the tool messages that belong to it, in line order. */
  results: number[]
}

function callsOf({ role, toolCalls }: Message): string[] {
  if (role !== 'assistant' || toolCalls === null) return []
  try {
    const list: unknown = JSON.parse(toolCalls)
    if (!Array.isArray(list)) return []
    return list.map((call) => call?.id).filter((id) => typeof id === 'string')
  } catch {
    return []
  }
}

/** Each tool message belongs to the nearest earlier assistant message that has its call. */
function groupsOf(active: readonly Message[]): Group[] {
  const groups: Group[] = []
  active.forEach((message, place) => {
    const calls = callsOf(message)
    if (calls.length > 0) groups.push({ assistant: place, calls, results: [] })
    if (message.role !== 'tool') return
    const owner = groups.findLast((group) => group.calls.some((id) => id === message.toolCallId))
    owner?.results.push(place)
  })
  return groups
}

function isWhole(group: Group, active: readonly Message[]): boolean {
  return group.calls.every((id) => group.results.some((place) => active[place]?.toolCallId === id))
}

function pendingOf(active: readonly Message[]): Group | undefined {
  const last = groupsOf(active).at(-1)
  if (last === undefined || isWhole(last, active)) return undefined
  return active.slice(last.assistant).some(({ role }) => role === 'user') ? undefined : last
}

export function hasPending(active: readonly Message[]): boolean {
  return pendingOf(active) !== undefined
}

/** All places in the order of a context: the results of a call directly behind it, in the order of its calls. */
function orderOf(active: readonly Message[]): number[] {
  const groups = groupsOf(active)
  const inGroups = new Set(groups.flatMap(({ results }) => results))
  return active.flatMap((_, place) => {
    if (inGroups.has(place)) return []
    const group = groups.find(({ assistant }) => assistant === place)
    const results = (call: string) => (group?.results ?? []).filter((at) => active[at]?.toolCallId === call)
    return [place, ...[...new Set(group?.calls)].flatMap(results)]
  })
}

/** The places of the messages that are shown, in the order in which they are. */
function shownPlaces(active: readonly Message[]): number[] {
  const pending = pendingOf(active)?.assistant
  const kept = groupsOf(active).filter((group) => group.assistant === pending || isWhole(group, active))
  return orderOf(active).filter((place) => {
    const { role, content, toolCallId } = active[place]!
    if (role === 'tool') {
      const group = kept.find(({ results }) => results.includes(place))
      return group?.results.findLast((other) => active[other]?.toolCallId === toolCallId) === place
    }
    if (role !== 'assistant' || kept.some(({ assistant }) => assistant === place)) return true
    return callsOf(active[place]!).length === 0 && content !== null && content.trim() !== ''
  })
}

/** The active messages that a model sees. */
export function shownOf(active: readonly Message[]): Message[] {
  return shownPlaces(active).map((place) => active[place]!)
}

/** The places of the active messages that a compaction archives. */
export function archivedBy(active: readonly Message[], keep: number): number[] {
  const shown = shownPlaces(active)
  if (keep >= shown.length) return []
  const order = orderOf(active)
  let cut = keep === 0 ? order.length : order.indexOf(shown.at(-keep)!)
  const pending = pendingOf(active)?.assistant
  const isSplit = ({ assistant, results }: Group) =>
    order.indexOf(assistant) < cut && (assistant === pending || results.some((place) => order.indexOf(place) >= cut))
  for (;;) {
    const split = groupsOf(active).find(isSplit)
    if (split === undefined) return order.slice(0, cut)
    cut = order.indexOf(split.assistant)
  }
}
