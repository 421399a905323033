/** The line of a message that is written once more, as another one. */
import { isObject } from '../../base/json.js'
import { isIdList, type Line } from '../line.js'
import type { Stamp } from '../serialize.js'
import { lineText, type Member, membersOf, objectText, ownOf } from './json-text.js'

/**
 * The message of `line`, whose text on disk is `raw`, under a new id and time. The texts of its values stay as they
 * are. Usage moves into `own`: the message is read as before, and the model call behind it is counted once only.
 */
export function againLine(raw: string, line: Line, { id, at }: Stamp): string {
  const stamp = [
    { key: 'at', text: `"${at}"` },
    { key: 'id', text: `"${id}"` },
  ]
  const members = membersOf(raw).filter(({ key }) => !isOfLine(line, key))
  const moved = members.filter(({ key }) => isOwnNow(line, key))
  const rest = members.filter((member) => !moved.includes(member))
  if (moved.length === 0) return `${lineText([...rest, ...stamp])}\n`
  const others = rest.filter(({ key }) => key !== 'type' && key !== 'own')
  const own: Member = { key: 'own', text: objectText([...moved, ...ownOf(line, rest)]) }
  return `${lineText([{ key: 'type', text: '"message"' }, ...others, own, ...stamp])}\n`
}

/**
 * True for fields about the line: the new line has its own id and time, waits for nothing and names no answered
 * messages.
 */
function isOfLine({ value, bare, at }: Line, field: string): boolean {
  if (field === 'received') return typeof value.received === 'string'
  if (field === 'answers') return isIdList(value.answers)
  if (field !== 'id' && field !== 'at') return false
  return typeof value.role !== 'string' || (field === 'id' ? !bare : at !== undefined)
}

/** True for fields that would be taken for those of the new line, or counted again. */
function isOwnNow({ value }: Line, field: string): boolean {
  if (typeof value.role !== 'string') return false
  return field === 'id' || field === 'at' || (field === 'usage' && isObject(value.usage))
}
