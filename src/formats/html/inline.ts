/** The marks inside a line of Markdown. Each position is read a bounded number of times. */
import { element, type Node, toText } from './nodes.js'

const MAX_DEPTH = 6
const MAX_LABEL = 1_000
const MAX_URL = 2_000
const SPECIAL = /[\\`*_~[!h]/g
const URL_HERE = /https?:\/\/[^\s<>"'`\\]{1,2000}/y
const PUNCTUATION = /[!-/:-@[-`{-~]/
const MARKS = [
  ['**', 'strong'],
  ['__', 'strong'],
  ['~~', 'del'],
  ['*', 'em'],
  ['_', 'em'],
] as const

export function inline(text: string, depth = 0): Node[] {
  if (depth > MAX_DEPTH) return [text]
  const nodes: Node[] = []
  const closeless = new Set<string>()
  let from = 0
  let at = 0
  const take = (node: Node, end: number) => {
    if (at > from) nodes.push(text.slice(from, at))
    nodes.push(node)
    from = end
    at = end
  }
  while (at < text.length) {
    SPECIAL.lastIndex = at
    const next = SPECIAL.exec(text)
    if (next === null) break
    at = next.index
    const found = nodeAt(text, at, depth, closeless)
    if (found !== undefined) take(found.node, found.end)
    // a run of marks that opens nothing is text as a whole
    else if (text[at] === '`') while (text[at] === '`') at++
    else at++
  }
  if (from < text.length) nodes.push(text.slice(from))
  return nodes
}

interface Found {
  node: Node
  end: number
}

function nodeAt(text: string, at: number, depth: number, closeless: Set<string>): Found | undefined {
  switch (text[at]) {
    case '\\': {
      const char = text[at + 1] ?? ''
      return PUNCTUATION.test(char) ? { node: char, end: at + 2 } : undefined
    }
    case '`':
      return codeAt(text, at, closeless)
    case '[':
      return linkAt(text, at, depth, false)
    case '!':
      return text[at + 1] === '[' ? linkAt(text, at + 1, depth, true) : undefined
    case 'h':
      return addressAt(text, at)
    default:
      return markAt(text, at, depth, closeless)
  }
}

function codeAt(text: string, at: number, closeless: Set<string>): Found | undefined {
  let start = at
  while (text[start] === '`') start++
  const fence = text.slice(at, start)
  if (closeless.has(fence)) return undefined
  for (let end = text.indexOf(fence, start); end !== -1; ) {
    let after = end + fence.length
    if (text[after] !== '`' && text[end - 1] !== '`') {
      const code = text.slice(start, end)
      return { node: element('code', {}, code.trim() === '' ? code : code.replace(/^ (.*) $/s, '$1')), end: after }
    }
    while (text[after] === '`') after++
    end = text.indexOf(fence, after)
  }
  closeless.add(fence)
  return undefined
}

function markAt(text: string, at: number, depth: number, closeless: Set<string>): Found | undefined {
  for (const [mark, tag] of MARKS) {
    if (!text.startsWith(mark, at) || closeless.has(mark)) continue
    const start = at + mark.length
    const isWord = mark.startsWith('_')
    if (/^(\s|$)/.test(text[start] ?? '') || (isWord && /[\p{L}\p{N}]/u.test(text[at - 1] ?? ''))) continue
    const end = closeOf(text, mark, start, isWord)
    if (end === -1) closeless.add(mark)
    else return { node: element(tag, {}, ...inline(text.slice(start, end), depth + 1)), end: end + mark.length }
  }
  return undefined
}

function closeOf(text: string, mark: string, start: number, isWord: boolean): number {
  for (let end = text.indexOf(mark, start + 1); end !== -1; end = text.indexOf(mark, end + 1)) {
    const after = text[end + mark.length] ?? ''
    if (/\s/.test(text[end - 1] as string) || (isWord && /[\p{L}\p{N}]/u.test(after))) continue
    // the end of a longer run belongs to the longer mark
    if (mark.length === 1 && (after === mark || text[end - 1] === mark)) continue
    return end
  }
  return -1
}

function linkAt(text: string, at: number, depth: number, isImage: boolean): Found | undefined {
  const label = text.slice(at + 1, at + 1 + MAX_LABEL)
  const close = label.indexOf('](')
  if (close === -1 || label.slice(0, close).includes('\n\n')) return undefined
  const start = at + 1 + close + 2
  const rest = text.slice(start, start + MAX_URL)
  const stop = rest.search(/[)\s]/)
  if (stop === -1) return undefined
  const end = rest.indexOf(')', stop)
  if (end === -1) return undefined
  const link = linkTo(rest.slice(0, stop).replace(/^<|>$/g, ''), inline(label.slice(0, close), depth + 1), isImage)
  return link === undefined ? undefined : { node: link, end: start + end + 1 }
}

function addressAt(text: string, at: number): Found | undefined {
  if (/[\p{L}\p{N}]/u.test(text[at - 1] ?? '')) return undefined
  URL_HERE.lastIndex = at
  const address = URL_HERE.exec(text)?.[0].replace(/[.,;:!?)\]}*_]+$/, '') ?? ''
  const link = linkTo(address, [address], false)
  return link === undefined ? undefined : { node: link, end: at + address.length }
}

/** A link that names its host; undefined for an address that no link may have. An image is never loaded. */
export function linkTo(address: string, label: Node[], isImage: boolean): Node | undefined {
  let url: URL
  try {
    url = new URL(address)
  } catch {
    return undefined
  }
  if (!['http:', 'https:', 'mailto:'].includes(url.protocol)) return undefined
  const place = url.protocol === 'mailto:' ? decoded(url.pathname) : url.host
  const props = { href: url.href, rel: 'noopener noreferrer nofollow', target: '_blank' }
  const shown = isImage ? ['image: ', ...label] : label
  const link = element('a', props, ...shown)
  if (label.map(toText).join('').includes(place)) return link
  return element('span', {}, link, element('span', { class: 'host' }, ` (${place})`))
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
