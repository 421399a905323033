/** The body of a message: thinking, content, calls and results, in the shapes that bots and imports write. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import { partsOf } from '../export/visible.js'
import { lineDiff } from './line-diff.js'
import { markdown } from './markdown.js'
import { element, type Node } from './nodes.js'

/** Longer thinking and longer results are closed at first. */
const OPEN_LINES = 20
const IMAGE_TYPES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp'])

export interface Call {
  id: string | null
  name: string
  input: Json
}

/** What is known of a call's result; the note is a few words, such as how long it took. */
export interface Outcome {
  note: string
  isError: boolean
  nodes: Node[]
}

/** `outcomeOf` returns what is shown of a call's result together with the call; by default nothing. */
export function messageBody(
  value: JsonObject,
  outcomeOf: (call: Call) => Outcome | undefined = () => undefined,
): Node[] {
  if (value.role === 'tool') return resultBody(value)
  const nodes: Node[] = []
  const thinking = Array.isArray(value.thinking) ? value.thinking.map(thoughtText).join('\n\n') : textOf(value.thinking)
  if (thinking !== '') nodes.push(folded('thinking', thinking, 'thinking'))
  for (const part of partsOf(value.content)) {
    nodes.push(...('text' in part ? markdown(part.text) : blockNodes(part.other, outcomeOf)))
  }
  for (const call of callsIn(value)) nodes.push(callNode(call, outcomeOf(call)))
  return nodes
}

/** What a tool returned. */
export function resultBody(value: JsonObject): Node[] {
  return partsOf(value.content).map((part) =>
    'text' in part ? folded('result', part.text, 'result') : otherNode(part.other),
  )
}

export function isFailed(value: JsonObject): boolean {
  return value.isError === true || value.is_error === true || (typeof value.error === 'string' && value.error !== '')
}

export function resultOf(value: JsonObject): string | null {
  const id = value.toolCallId ?? value.tool_call_id
  return value.role === 'tool' && typeof id === 'string' ? id : null
}

/** The calls of a message, in our spelling or in the other usual ones. */
export function callsIn(value: JsonObject): Call[] {
  const given = value.toolCalls ?? value.tool_calls
  let calls: Json | undefined = given
  if (typeof given === 'string') {
    try {
      calls = JSON.parse(given)
    } catch {
      return [{ id: null, name: 'calls', input: given }]
    }
  }
  return (Array.isArray(calls) ? calls : []).filter(isObject).map(callOf)
}

function callOf(call: JsonObject): Call {
  const inner = isObject(call.function) ? call.function : {}
  return {
    id: typeof call.id === 'string' ? call.id : null,
    name: textOf(call.name ?? inner.name) || 'call',
    input: parsed(call.arguments ?? call.input ?? inner.arguments ?? null),
  }
}

function parsed(input: Json): Json {
  if (typeof input !== 'string') return input
  try {
    const value: Json = JSON.parse(input)
    return isObject(value) || Array.isArray(value) ? value : input
  } catch {
    return input
  }
}

export function callNode(call: Call, outcome: Outcome | undefined): Node {
  const edit = isObject(call.input) ? editNodes(call.input) : undefined
  const input = edit ?? [element('pre', { tabindex: '0' }, printed(call.input))]
  const note = outcome === undefined ? '' : ` · ${outcome.note}`
  const state = outcome?.isError ? 'call failed' : 'call'
  const title = element(
    'summary',
    {},
    element('span', { class: 'what' }, 'call '),
    element('strong', {}, call.name),
    element('span', { class: 'note' }, note),
    element('span', { class: 'preview' }, ` ${preview(call.input)}`),
  )
  const results = outcome?.nodes ?? []
  return element(
    'details',
    { class: state, ...(edit === undefined ? {} : { open: true }) },
    title,
    ...input,
    ...results,
  )
}

/** Edits as agents write them: an old and a new text, in one call or in a list of them. */
function editNodes(input: JsonObject): Node[] | undefined {
  const edits = (Array.isArray(input.edits) ? input.edits : [input]).filter(isObject)
  const nodes = edits.flatMap((edit) => {
    const before = edit.old_string ?? edit.oldText ?? edit.old_str ?? edit.oldString
    const after = edit.new_string ?? edit.newText ?? edit.new_str ?? edit.newString
    return typeof before === 'string' && typeof after === 'string' ? [lineDiff(before, after)] : []
  })
  if (nodes.length === 0 || nodes.length < edits.length) return undefined
  const file = input.file_path ?? input.path ?? input.filePath
  return typeof file === 'string' ? [element('p', { class: 'file' }, file), ...nodes] : nodes
}

function blockNodes(block: Json, outcomeOf: (call: Call) => Outcome | undefined): Node[] {
  if (!isObject(block)) return [otherNode(block)]
  if (block.type === 'thinking' || block.type === 'redacted_thinking')
    return [folded('thinking', thoughtText(block), 'thinking')]
  if (block.type === 'tool_use') {
    const call = callOf(block)
    return [callNode(call, outcomeOf(call))]
  }
  if (block.type === 'tool_result') return resultBody(block)
  return [otherNode(block)]
}

function folded(title: string, text: string, kind: string): Node {
  const lines = text.split('\n').length
  const isOpen = lines <= OPEN_LINES && kind !== 'thinking' ? { open: true as const } : {}
  const size = lines > 1 ? `, ${lines} lines` : ''
  return element(
    'details',
    { class: kind, ...isOpen },
    element('summary', {}, `${title}${size}`),
    element('pre', { tabindex: '0' }, text),
  )
}

function thoughtText(block: Json): string {
  if (!isObject(block)) return textOf(block)
  const said = block.thinking ?? block.text ?? block.description
  return typeof said === 'string' ? said : printed(block)
}

/** An image that the message holds itself, shown when it is opened; anything else as its JSON. */
function otherNode(part: Json): Node {
  const image = isObject(part) ? imageIn(part) : undefined
  if (image === undefined) {
    return element(
      'details',
      { class: 'data' },
      element('summary', {}, 'data'),
      element('pre', { tabindex: '0' }, printed(part)),
    )
  }
  const kilobytes = Math.ceil((image.length * 3) / 4 / 1024)
  return element(
    'details',
    { class: 'image' },
    element('summary', {}, `image, ${kilobytes} KB`),
    element('img', { alt: 'image of the message', src: image }),
  )
}

function imageIn(part: JsonObject): string | undefined {
  const source = isObject(part.source) ? part.source : isObject(part.inlineData) ? part.inlineData : undefined
  const type = source?.media_type ?? source?.mimeType
  if (source !== undefined && typeof type === 'string') return dataUrl(type, source.data)
  const url = isObject(part.image_url) ? part.image_url.url : undefined
  const match = typeof url === 'string' ? /^data:([a-z/]+);base64,(.*)$/s.exec(url) : null
  return match === null ? undefined : dataUrl(match[1] as string, match[2])
}

function dataUrl(type: string, data: Json | undefined): string | undefined {
  if (!IMAGE_TYPES.has(type) || typeof data !== 'string' || !/^[A-Za-z0-9+/=\s]*$/.test(data)) return undefined
  return `data:${type};base64,${data.replace(/\s/g, '')}`
}

function textOf(value: Json | undefined): string {
  return value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value)
}

function printed(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2)
}

function preview(input: Json): string {
  const text = isObject(input) ? Object.values(input).map(textOf).join(' ') : textOf(input)
  return text.replace(/\s+/g, ' ').slice(0, 120)
}
