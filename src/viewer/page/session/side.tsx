/** What is known of a session beside its lines: labels, counts, usage, branches, sessions above and below it, files. */
import type { GraphAnswer, SessionFacts } from '../../api/shapes.js'
import { ago, bytes, count, counted, label, short } from '../format.js'
import { Bars, Failure, useAnswer } from '../parts.js'
import { base, sessionPath } from '../place.js'
import { ask, ofSession } from '../server.js'
import type { ComponentChildren } from '../ui.js'
import { useMemo, useState } from '../ui.js'
import { usageBars } from '../usage.js'

export function Side({ facts, hint, children }: { facts: SessionFacts; hint: number; children: ComponentChildren }) {
  const { key, usage, parent, metadata } = facts
  const shownMetadata = Object.entries(metadata).filter(([name]) => name !== 'parent')
  return (
    <aside class="side" aria-label="About the session">
      <dl class="side-facts">
        <Fact name="State">
          {facts.state}
          {facts.turnId === null ? '' : ` (turn ${label(facts.turnId)})`}
        </Fact>
        <Fact name="Last active">
          <time dateTime={facts.lastActivity}>{ago(facts.lastActivity)}</time>
        </Fact>
        <Fact name="Created">
          <time dateTime={facts.createdAt}>{facts.createdAt.slice(0, 16).replace('T', ' ')} UTC</time>
        </Fact>
        {facts.archived.messages > 0 && <Fact name="Archived">{counted(facts.archived.messages, 'message')}</Fact>}
        {facts.waiting > 0 && <Fact name="Waiting">{counted(facts.waiting, 'message')}</Fact>}
        {facts.tokens > 0 && <Fact name="Tokens">{count(facts.tokens)}</Fact>}
        {facts.tokensWithChildren > facts.tokens && (
          <Fact name="With sessions below">{count(facts.tokensWithChildren)}</Fact>
        )}
        {facts.forkedFrom !== null && (
          <Fact name="Forked from">
            <a href={sessionPath(facts.forkedFrom)}>{label(facts.forkedFrom)}</a>
          </Fact>
        )}
        {parent !== null && (
          <Fact name="Parent">
            <a href={sessionPath(parent)}>{label(parent)}</a>
          </Fact>
        )}
      </dl>
      {children}
      {facts.children.length > 0 && (
        <section aria-labelledby="below">
          <h2 id="below">Sessions below</h2>
          <ul class="plain">
            {facts.children.map((child) => (
              <li key={child.key}>
                <a href={sessionPath(child.key)}>{label(child.name ?? child.key)}</a>
                {child.tokens > 0 && <span class="note"> {short(child.tokens)} tokens</span>}
              </li>
            ))}
          </ul>
        </section>
      )}
      {usage.length > 0 && (
        <Bars caption="Tokens by agent" heads={['Agent', 'Tokens']} rows={usageBars(usage.slice(0, 20))} />
      )}
      {facts.hasGraph && <Graph sessionKey={key} hint={hint} />}
      {shownMetadata.length > 0 && (
        <details>
          <summary>Metadata</summary>
          <dl class="side-facts">
            {shownMetadata.map(([name, value]) => (
              <Fact key={name} name={label(name)}>
                {label(typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 500)}
              </Fact>
            ))}
          </dl>
        </details>
      )}
      <details>
        <summary>Files</summary>
        <p class="path">{label(facts.file)}</p>
        <p class="note">{bytes(facts.bytes)}</p>
        <p class="path">{label(facts.sidecar)}</p>
        <p>
          <a href={sessionPath(key, { raw: true })}>Raw lines</a>,{' '}
          <a href={`${base}/api/raw?${new URLSearchParams({ key, all: '1' })}`} target="_blank" rel="noopener" download>
            download
          </a>
        </p>
      </details>
    </aside>
  )
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

/** The graph of an agent's commits as a tree; the active path is marked. */
function Graph({ sessionKey, hint }: { sessionKey: string; hint: number }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <details open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Branches</summary>
      {isOpen && <Tree sessionKey={sessionKey} hint={hint} />}
    </details>
  )
}

function Tree({ sessionKey, hint }: { sessionKey: string; hint: number }) {
  const { answer, error } = useAnswer(() => ask<GraphAnswer>(ofSession(sessionKey, 'graph')), [sessionKey, hint])
  const rows = useMemo(() => (answer === undefined ? [] : treeOf(answer)), [answer])
  if (error !== undefined) return <Failure error={error} />
  if (answer === undefined) return <p class="note">Reading…</p>
  const active = new Set(answer.path)
  return (
    <>
      <p class="note">
        {counted(answer.nodes.length, 'node')}
        {answer.whole ? '' : ' and more'}, revision {answer.revision}
        {answer.divergences.length > 0 && `; two histories committed revision ${answer.divergences.join(', ')}`}
      </p>
      <ul class="tree">
        {rows.map(({ node, depth }) => (
          <li
            key={node.id}
            style={{ paddingInlineStart: `${Math.min(depth, 12) * 0.7}rem` }}
            class={active.has(node.id) ? 'active' : ''}
          >
            {node.id === answer.leaf ? '▶' : active.has(node.id) ? '●' : '○'}{' '}
            <span class="note">{label(node.kind)}</span> {label(node.text)}
          </li>
        ))}
      </ul>
      {answer.blobs.length > 0 && (
        <>
          <h3>Blobs</h3>
          <ul class="plain">
            {answer.blobs.map(({ ref, bytes: size }) => (
              <li key={ref}>
                <a href={`${base}${ofSession(sessionKey, 'blob')}?ref=${ref}`} target="_blank" rel="noopener" download>
                  {ref.slice(0, 12)}…
                </a>
                <span class="note"> {bytes(size)}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  )
}

/** Depth first; a node goes one step to the right only where its parent has several below it. */
function treeOf({ nodes }: GraphAnswer) {
  const ids = new Set(nodes.map(({ id }) => id))
  const below = new Map<string | null, GraphAnswer['nodes']>()
  for (const node of nodes) {
    const parent = node.parent !== null && ids.has(node.parent) ? node.parent : null
    below.set(parent, [...(below.get(parent) ?? []), node])
  }
  const rows: Array<{ node: GraphAnswer['nodes'][number]; depth: number }> = []
  const open = (below.get(null) ?? []).map((node) => ({ node, depth: 0 })).reverse()
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    rows.push(next)
    const children = below.get(next.node.id) ?? []
    const depth = next.depth + (children.length > 1 ? 1 : 0)
    for (const node of children.toReversed()) open.push({ node, depth })
  }
  return rows
}
