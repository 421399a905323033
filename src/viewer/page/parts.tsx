/** Small pieces that several views share. */

import { label } from './format.js'
import { base } from './place.js'
import { ServerError } from './server.js'
import type { ComponentChildren } from './ui.js'
import { useEffect, useRef, useState } from './ui.js'

export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const { message } = error as Error
  const isLocked = error instanceof ServerError && error.status === 401
  return (
    <div class="failure" role="alert">
      <strong>{isLocked ? 'This page needs its token' : 'That did not work'}</strong>
      <p>{label(message)}</p>
      {retry !== undefined && !isLocked && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  )
}

const STATES = { idle: 'idle', running: '▶ running', error: '✕ error' } as const

export function State({ state }: { state: 'idle' | 'running' | 'error' }) {
  return <span class={`state ${state}`}>{STATES[state]}</span>
}

export function Tag({ tag }: { tag: string }) {
  return (
    <a class="tag" href={`${base}/sessions?tag=${encodeURIComponent(tag)}`}>
      {label(tag)}
    </a>
  )
}

/** The answer to a question that is asked again when `again` changes. The old one stays while the new one is on its way. */
export function useAnswer<T>(question: () => Promise<T>, when: readonly unknown[]) {
  const [answer, setAnswer] = useState<T>()
  const [error, setError] = useState<unknown>()
  const [again, setAgain] = useState(0)
  const asked = useRef(0)
  useEffect(() => {
    const id = ++asked.current
    question().then(
      (value) => {
        if (id !== asked.current) return
        setAnswer(value)
        setError(undefined)
      },
      (failed: unknown) => {
        if (id === asked.current) setError(failed)
      },
    )
  }, [...when, again])
  return { answer, error, retry: () => setAgain((n) => n + 1) }
}

export function Title({ children, note }: { children: ComponentChildren; note?: ComponentChildren }) {
  return (
    <div class="title">
      <h1>{children}</h1>
      {note !== undefined && <p class="note">{note}</p>}
    </div>
  )
}

export interface Bar {
  name: string
  value: number
  text: string
  href?: string
}

/** Horizontal bars with their numbers: a table that is a chart. */
export function Bars({ rows, caption, heads }: { rows: readonly Bar[]; caption: string; heads: [string, string] }) {
  const most = rows.reduce((greatest, { value }) => Math.max(greatest, value), 0)
  return (
    <table class="bars">
      <caption>{caption}</caption>
      <thead>
        <tr>
          <th scope="col">{heads[0]}</th>
          <th scope="col" class="number">
            {heads[1]}
          </th>
          <th scope="col" class="chart">
            <span class="hidden">share</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ name, value, text, href }) => (
          <tr key={name}>
            <th scope="row">{href === undefined ? label(name) : <a href={href}>{label(name)}</a>}</th>
            <td class="number">{text}</td>
            <td class="chart">
              <meter min={0} max={most || 1} value={value} aria-label={`${label(name)}: ${text}`} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
