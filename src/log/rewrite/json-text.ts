/** The fields of a JSON object as they are written, so that a line can change while the text of its values stays. */
import { isObject } from '../../base/json.js'
import type { Line } from '../line.js'

/** One field of an object: its name, and the text of its value. */
export interface Member {
  key: string
  text: string
}

/** The fields in the order of the text, second ones of one name included. `text` must be a JSON object. */
export function membersOf(text: string): Member[] {
  const members: Member[] = []
  let place = text.indexOf('{')
  do {
    const keyStart = afterSpace(text, place + 1)
    if (text[keyStart] !== '"') break
    const keyEnd = endOfString(text, keyStart)
    const start = afterSpace(text, text.indexOf(':', keyEnd) + 1)
    const end = endOfValue(text, start)
    members.push({ key: JSON.parse(text.slice(keyStart, keyEnd)), text: text.slice(start, end).trimEnd() })
    place = afterSpace(text, end)
  } while (text[place] === ',')
  return members
}

/** The texts of an array's items. `text` must be a JSON array. */
export function itemsOf(text: string): string[] {
  const items: string[] = []
  let place = text.indexOf('[')
  do {
    const start = afterSpace(text, place + 1)
    if (text[start] === ']') break
    place = endOfValue(text, start)
    items.push(text.slice(start, place).trimEnd())
  } while (text[place] === ',')
  return items
}

/** An object of these fields. */
export function objectText(members: readonly Member[]): string {
  return `{${members.map(({ key, text }) => `${JSON.stringify(key)}:${text}`).join(',')}}`
}

/** The text of a line with these fields: its time and its id close it, as on every line that this library writes. */
export function lineText(members: readonly Member[]): string {
  const named = (name: string) => members.filter(({ key }) => key === name)
  const others = members.filter(({ key }) => key !== 'at' && key !== 'id')
  return objectText([...others, ...named('at'), ...named('id')])
}

function afterSpace(text: string, place: number): number {
  while (' \t\r\n'.includes(text[place] ?? '}')) place++
  return place
}

function endOfString(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1)
  while (isEscaped(text, quote)) quote = text.indexOf('"', quote + 1)
  return quote + 1
}

function isEscaped(text: string, place: number): boolean {
  let start = place
  while (text[start - 1] === '\\') start--
  return (place - start) % 2 === 1
}

/** Where a value ends: at the comma or bracket behind it that is not its own. */
function endOfValue(text: string, start: number): number {
  let depth = 0
  for (let place = start; ; place++) {
    const char = text[place]
    if (char === '"') place = endOfString(text, place) - 1
    else if (char === '{' || char === '[') depth++
    else if (depth === 0 && (char === ',' || char === '}' || char === ']')) return place
    else if (char === '}' || char === ']') depth--
  }
}

/** What stands in `own` already. Without the type "message" a field of that name is one like others. */
export function ownOf(line: Line, members: readonly Member[]): Member[] {
  const own = members.filter(({ key }) => key === 'own').at(-1)
  if (own === undefined) return []
  return line.value.type === 'message' && isObject(line.value.own) ? membersOf(own.text) : [own]
}
