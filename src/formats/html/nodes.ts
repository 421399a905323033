/**
 * What a message looks like, as data: the page of the viewer makes elements of it, the export makes HTML. Texts are
 * texts: nothing here is ever parsed as HTML.
 */
import { shownText } from './symbols.js'

export type Node = string | Element

export type Tag =
  | 'a'
  | 'blockquote'
  | 'br'
  | 'code'
  | 'del'
  | 'details'
  | 'div'
  | 'em'
  | 'h3'
  | 'h4'
  | 'h5'
  | 'h6'
  | 'hr'
  | 'img'
  | 'ins'
  | 'li'
  | 'ol'
  | 'p'
  | 'pre'
  | 'span'
  | 'strong'
  | 'summary'
  | 'table'
  | 'tbody'
  | 'td'
  | 'th'
  | 'thead'
  | 'tr'
  | 'ul'

export interface Element {
  tag: Tag
  props: Record<string, string | true>
  children: Node[]
}

export function element(tag: Tag, props: Record<string, string | true>, ...children: Node[]): Element {
  return { tag, props, children }
}

const VOID: ReadonlySet<Tag> = new Set(['br', 'hr', 'img'])

export function toText(node: Node): string {
  return typeof node === 'string' ? node : node.children.map(toText).join('')
}

export function toHtmlText(nodes: readonly Node[]): string {
  return nodes.map(htmlOf).join('')
}

function htmlOf(node: Node): string {
  if (typeof node === 'string') return escaped(node)
  const props = Object.entries(node.props).map(([name, value]) =>
    value === true ? ` ${name}` : ` ${name}="${name === 'src' ? value : escaped(value)}"`,
  )
  const open = `<${node.tag}${props.join('')}>`
  return VOID.has(node.tag) ? open : `${open}${toHtmlText(node.children)}</${node.tag}>`
}

/** Text for HTML, what cannot be seen spelled out. */
export function escaped(given: string): string {
  return shownText(given).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
