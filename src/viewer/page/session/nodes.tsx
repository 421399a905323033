/** Nodes of a message as elements. Texts become text nodes; nothing is parsed as HTML. */
import type { Node } from '../../../formats/html/nodes.js'
import { shownText } from '../../../formats/html/symbols.js'
import { createElement, type VNode } from '../ui.js'

/** Which details are open beside those that are so by themselves. */
export interface Opened {
  all: boolean
  thinking: boolean
}

export function Nodes({ nodes, opened }: { nodes: readonly Node[]; opened: Opened }) {
  return <>{nodes.map((node, i) => shown(node, i, opened))}</>
}

function shown(node: Node, key: number, opened: Opened): VNode | string {
  if (typeof node === 'string') return shownText(node)
  const props: Record<string, unknown> = { key }
  for (const [name, value] of Object.entries(node.props)) {
    props[name] = value === true || name === 'src' ? value : shownText(value)
  }
  if (node.tag === 'details' && (opened.all || (opened.thinking && node.props.class === 'thinking'))) props.open = true
  return createElement(node.tag, props, ...node.children.map((child, i) => shown(child, i, opened)))
}
