/** The sessions whose messages hold the words, with a link to the first message of each. */
import type { SearchLine } from '../shapes.js'
import { SnippetText } from './find.js'
import { ago, counted, label } from './format.js'
import { Failure, State, Title } from './parts.js'
import { sessionPath } from './place.js'
import { stream } from './server.js'
import { useEffect, useState } from './ui.js'

type Found = Extract<SearchLine, { session: unknown }>

export function Search({ query }: { query: string }) {
  const [found, setFound] = useState<Found[]>([])
  const [isDone, setDone] = useState(false)
  const [error, setError] = useState<unknown>()
  useEffect(() => {
    setFound([])
    setDone(false)
    setError(undefined)
    if (query.trim().length < 2) return undefined
    const stop = new AbortController()
    const take = (line: SearchLine) => {
      if ('session' in line) setFound((former) => [...former, line])
      else setDone(true)
    }
    stream<SearchLine>('/api/search', { q: query }, take, stop.signal).catch((failed) => {
      if (!stop.signal.aborted) setError(failed)
    })
    return () => stop.abort()
  }, [query])
  const note =
    query.trim().length < 2
      ? 'Type at least two characters.'
      : isDone
        ? `${counted(found.length, 'session')} found`
        : 'Searching…'
  return (
    <>
      <Title note={<span role="status">{note}</span>}>Search</Title>
      {error !== undefined && <Failure error={error} />}
      <ul class="lines found">
        {found.map(({ session: { key, name, state, lastActivity }, hit }) => (
          <li key={key}>
            <a href={sessionPath(key, hit === null ? {} : { at: hit.offset, id: hit.id })}>{label(name ?? key)}</a>
            <State state={state} />
            <span class="note">{ago(lastActivity)}</span>
            {hit !== null && <SnippetText snippet={hit.snippet} />}
          </li>
        ))}
      </ul>
    </>
  )
}
