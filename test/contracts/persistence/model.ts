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

/** The places of the messages that are shown, in the order in which they are. */
function shownPlaces(active: readonly Message[]): number[] {
  const pending = pendingOf(active)?.assistant
  const kept = groupsOf(active).filter((group) => group.assistant === pending || isWhole(group, active))
  const shown: number[] = []
  active.forEach(({ role, content, toolCallId }, place) => {
    if (role === 'tool') {
      const group = kept.find(({ results }) => results.includes(place))
      const same = group?.results.filter((other) => active[other]?.toolCallId === toolCallId)
      if (same?.[0] === place) shown.push(same.at(-1)!)
    } else if (role !== 'assistant' || kept.some(({ assistant }) => assistant === place)) shown.push(place)
    else if (callsOf(active[place]!).length === 0 && content !== null && content.trim() !== '') shown.push(place)
  })
  return shown
}

/** The active messages that a model sees. */
export function shownOf(active: readonly Message[]): Message[] {
  return shownPlaces(active).map((place) => active[place]!)
}

/** How many of the active messages a compaction archives. */
export function cutOf(active: readonly Message[], keep: number): number {
  const shown = shownPlaces(active)
  if (keep >= shown.length) return 0
  let cut = keep === 0 ? active.length : Math.min(...shown.slice(-keep))
  const pending = pendingOf(active)?.assistant
  const isSplit = ({ assistant, results }: Group) =>
    assistant < cut && (assistant === pending || results.some((place) => place >= cut))
  for (;;) {
    const split = groupsOf(active).find(isSplit)
    if (split === undefined) return cut
    cut = split.assistant
  }
}
