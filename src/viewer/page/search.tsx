/** The sessions whose messages hold the words, with a link to a message of each. */
import type { SearchAnswer, Snippet } from '../api/shapes.js'
import { ago, counted, label } from './format.js'
import { Failure, State, Title, useAnswer } from './parts.js'
import { sessionPath } from './place.js'
import { ask, client } from './server.js'
import { SnippetText } from './session/find.js'

export function Search({ query }: { query: string }) {
  const isShort = query.trim().length < 2
  const { answer, error, retry } = useAnswer(
    async () => (isShort ? { sessions: [] } : ask<SearchAnswer>('/api/search', { q: query, client })),
    [query],
  )
  const words = query
    .toLowerCase()
    .replaceAll('"', ' ')
    .split(/\s+/)
    .filter((word) => word !== '')
  const note = isShort
    ? 'Type at least two characters.'
    : answer === undefined
      ? 'Searching…'
      : `${counted(answer.sessions.length, 'session')} found`
  return (
    <>
      <Title note={<span role="status">{note}</span>}>Search</Title>
      {error !== undefined && <Failure error={error} retry={retry} />}
      <ul class="lines found">
        {(answer?.sessions ?? []).map(({ session: { key, name, state, lastActivity }, hit }) => (
          <li key={key}>
            <a href={sessionPath(key, hit === null ? {} : { at: hit.offset, id: hit.id })}>{label(name ?? key)}</a>
            <State state={state} />
            <span class="note">{ago(lastActivity)}</span>
            {hit !== null && <SnippetText snippet={marked(hit.snippet, words)} />}
          </li>
        ))}
      </ul>
    </>
  )
}

/** The first of the words in a text. */
function marked(text: string, words: readonly string[]): Snippet {
  const lower = text.toLowerCase()
  const places = words.flatMap((word) =>
    lower.includes(word) ? [{ at: lower.indexOf(word), length: word.length }] : [],
  )
  const { at, length } = places.sort((a, b) => a.at - b.at)[0] ?? { at: 0, length: 0 }
  return { before: text.slice(0, at), match: text.slice(at, at + length), after: text.slice(at + length) }
}
