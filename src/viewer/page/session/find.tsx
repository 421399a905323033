/** Finding a text in one session: hits come as the log is read, and each is a place to go to. */
import type { FindLine, Snippet } from '../../api/shapes.js'
import { counted, label } from '../format.js'
import { Failure } from '../parts.js'
import { ofSession, stream } from '../server.js'
import { useEffect, useState } from '../ui.js'

type Hit = Extract<FindLine, { hit: unknown }>['hit']

export function SnippetText({ snippet: { before, match, after } }: { snippet: Snippet }) {
  return (
    <p class="snippet">
      {label(before)}
      <mark>{label(match)}</mark>
      {label(after)}
    </p>
  )
}

export function Find({ sessionKey, goTo }: { sessionKey: string; goTo: (offset: number) => void }) {
  const [text, setText] = useState('')
  const [hits, setHits] = useState<Hit[]>([])
  const [state, setState] = useState('')
  const [at, setAt] = useState(-1)
  const [error, setError] = useState<unknown>()
  useEffect(() => {
    setHits([])
    setAt(-1)
    setState('')
    setError(undefined)
    if (text.trim().length < 2) return undefined
    const stop = new AbortController()
    setState('searching…')
    const take = (line: FindLine) => {
      if ('hit' in line) setHits((former) => [...former, line.hit])
      else if ('progress' in line) setState(`searched ${Math.floor((100 * line.progress.at) / line.progress.size)} %`)
      else setState(`${counted(line.done.hits, 'hit')}${line.done.more ? ', and more' : ''}`)
    }
    const timer = setTimeout(() => {
      stream<FindLine>(ofSession(sessionKey, 'find'), { q: text }, take, stop.signal).catch((failed) => {
        if (!stop.signal.aborted) setError(failed)
      })
    }, 200)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [sessionKey, text])
  const visit = (place: number) => {
    const hit = hits[(place + hits.length) % hits.length]
    if (hit === undefined) return
    setAt((place + hits.length) % hits.length)
    goTo(hit.offset)
  }
  return (
    <search class="find">
      <div class="field">
        <input
          id="find"
          type="search"
          aria-label="Find in this session"
          placeholder="Find in this session"
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') visit(event.shiftKey ? at - 1 : at + 1)
          }}
        />
        <button type="button" disabled={hits.length === 0} onClick={() => visit(at - 1)} aria-label="Previous hit">
          ↑
        </button>
        <button type="button" disabled={hits.length === 0} onClick={() => visit(at + 1)} aria-label="Next hit">
          ↓
        </button>
        <span class="note" role="status">
          {at >= 0 && hits.length > 0 ? `${at + 1} of ` : ''}
          {state}
        </span>
      </div>
      {error !== undefined && <Failure error={error} />}
      {hits.length > 0 && (
        <ol class="hits" tabIndex={0} aria-label="Hits">
          {hits.map((hit, place) => (
            <li key={hit.offset}>
              <button type="button" aria-current={place === at} onClick={() => visit(place)}>
                <span class="note">{label(hit.role)}</span>
                <SnippetText snippet={hit.snippet} />
              </button>
            </li>
          ))}
        </ol>
      )}
    </search>
  )
}
