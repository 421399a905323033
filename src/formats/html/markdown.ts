/**
 * The Markdown that models write, as nodes. HTML in it is text. Text that is no Markdown comes out unchanged, line
 * breaks included; of a list or a quote that is nested very deeply the inner part is text.
 */
import { inline } from './inline.js'
import { element, type Node, type Tag } from './nodes.js'

/** A longer text is shown unchanged. */
export const MAX_MARKDOWN = 100 * 1024
const MAX_DEPTH = 8
const MAX_TABLE_LINE = 2_000

const FENCE = /^ {0,3}(`{3,}|~{3,})([^`]*)$/
const HEADING = /^ {0,3}(#{1,6})\s(.*)$/
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/
const QUOTE = /^ {0,3}> ?(.*)$/
const ITEM = /^( {0,8})([-*+]|\d{1,9}[.)])( +|$)(.*)$/
const TABLE_LINE = /^\s*\|?(\s*:?-+:?\s*\|)+\s*(:?-+:?\s*)?$/

export function markdown(text: string): Node[] {
  if (text.length > MAX_MARKDOWN) return [element('p', {}, text)]
  return blocks(text.split('\n'), 0)
}

function blocks(lines: readonly string[], depth: number): Node[] {
  if (depth > MAX_DEPTH) return [element('p', {}, lines.join('\n'))]
  const nodes: Node[] = []
  let paragraph: string[] = []
  const flush = () => {
    const text = paragraph.join('\n').trimEnd()
    if (text !== '') nodes.push(element('p', {}, ...inline(text)))
    paragraph = []
  }
  for (let i = 0; i < lines.length; ) {
    const block = blockAt(lines, i, depth, paragraph.length > 0)
    if (block === undefined) {
      const line = lines[i] as string
      if (line.trim() === '') flush()
      else paragraph.push(line)
      i++
      continue
    }
    flush()
    nodes.push(block.node)
    i = block.next
  }
  flush()
  return nodes
}

interface Block {
  node: Node
  next: number
}

function blockAt(lines: readonly string[], i: number, depth: number, inParagraph: boolean): Block | undefined {
  const line = lines[i] as string
  const fence = FENCE.exec(line)
  if (fence !== null) return fenced(lines, i, fence[1] as string, (fence[2] as string).trim())
  const heading = HEADING.exec(line)
  if (heading !== null) {
    const tag = `h${Math.min(6, (heading[1] as string).length + 2)}` as Tag
    return { node: element(tag, {}, ...inline((heading[2] as string).trim())), next: i + 1 }
  }
  if (RULE.test(line)) return { node: element('hr', {}), next: i + 1 }
  if (QUOTE.test(line)) return quote(lines, i, depth)
  const item = ITEM.exec(line)
  // a number within a paragraph begins no list
  if (item !== null && (!inParagraph || !/^\d/.test(item[2] as string))) return list(lines, i, depth)
  return isTable(lines, i) ? table(lines, i) : undefined
}

function isTable(lines: readonly string[], i: number): boolean {
  const under = lines[i + 1] ?? ''
  return (lines[i] as string).includes('|') && under.length < MAX_TABLE_LINE && TABLE_LINE.test(under)
}

/** True where a block begins that ends the text of a list item. */
function beginsBlock(lines: readonly string[], i: number): boolean {
  const line = lines[i] as string
  return [FENCE, HEADING, RULE, QUOTE, ITEM].some((pattern) => pattern.test(line)) || isTable(lines, i)
}

function fenced(lines: readonly string[], i: number, fence: string, info: string): Block {
  let end = i + 1
  const isClose = (line: string) =>
    line.trim().startsWith(fence) && line.trim().replaceAll(fence[0] as string, '') === ''
  while (end < lines.length && !isClose(lines[end] as string)) end++
  const code = element('code', {}, lines.slice(i + 1, end).join('\n'))
  const language = info.split(/\s/, 1)[0] ?? ''
  const label = language === '' ? [] : [element('span', { class: 'language' }, language)]
  return { node: element('pre', { class: 'code', tabindex: '0' }, ...label, code), next: end + 1 }
}

function quote(lines: readonly string[], i: number, depth: number): Block {
  const inner: string[] = []
  let next = i
  for (; next < lines.length; next++) {
    const match = QUOTE.exec(lines[next] as string)
    if (match === null) break
    inner.push(match[1] as string)
  }
  return { node: element('blockquote', {}, ...blocks(inner, depth + 1)), next }
}

function list(lines: readonly string[], i: number, depth: number): Block {
  const [, indent = '', marker = ''] = ITEM.exec(lines[i] as string) as RegExpExecArray
  const isOrdered = /^\d/.test(marker)
  const items: Node[] = []
  let next = i
  while (next < lines.length) {
    const item = ITEM.exec(lines[next] as string)
    if (item === null || (item[1] as string).length > indent.length + 1) break
    if (/^\d/.test(item[2] as string) !== isOrdered) break
    const width = (item[1] as string).length + (item[2] as string).length + Math.min((item[3] as string).length, 4)
    const inner = [item[4] as string]
    next++
    for (; next < lines.length; next++) {
      const line = lines[next] as string
      const isBlank = line.trim() === ''
      const follows = isBlank ? lines[next + 1] : line
      if (follows === undefined || !follows.startsWith(' '.repeat(Math.min(width, indent.length + 2)))) {
        // a line without indent goes on with the text of the item
        if (isBlank || beginsBlock(lines, next)) break
      }
      inner.push(line.slice(Math.min(width, line.search(/\S|$/))))
    }
    const children = blocks(inner, depth + 1)
    const [first, ...rest] = children
    const isTight = typeof first === 'object' && first.tag === 'p'
    items.push(element('li', {}, ...(isTight ? [...first.children, ...rest] : children)))
    while (next < lines.length && (lines[next] as string).trim() === '' && ITEM.test(lines[next + 1] ?? '')) next++
  }
  const start = isOrdered && !/^1[.)]$/.test(marker) ? { start: marker.slice(0, -1) } : {}
  return { node: element(isOrdered ? 'ol' : 'ul', start, ...items), next }
}

function table(lines: readonly string[], i: number): Block {
  let next = i + 2
  while (next < lines.length && (lines[next] as string).includes('|')) next++
  const row = (line: string, tag: 'td' | 'th') =>
    element('tr', {}, ...cellsIn(line).map((cell) => element(tag, {}, ...inline(cell))))
  const head = element('thead', {}, row(lines[i] as string, 'th'))
  const body = element('tbody', {}, ...lines.slice(i + 2, next).map((line) => row(line, 'td')))
  return { node: element('div', { class: 'scroll', tabindex: '0' }, element('table', {}, head, body)), next }
}

function cellsIn(line: string): string[] {
  return line
    .trim()
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'))
}
