/** The frame of the page: navigation, the view of the address, keys that work everywhere. */
import type { SessionList } from '../api/shapes.js'
import { Health } from './health.js'
import { KEYS, onKeys } from './keys.js'
import { Now } from './now.js'
import { Title } from './parts.js'
import { base, currentPlace, go, onPlace, type Place, sessionPath } from './place.js'
import { Search } from './search.js'
import { ask, listen } from './server.js'
import { RawPage } from './session/raw.js'
import { Session } from './session/session.js'
import { SearchField, Sessions } from './sessions.js'
import { useCallback, useEffect, useRef, useState } from './ui.js'
import { Usage } from './usage.js'

const VIEWS = [
  ['now', '/', 'Now'],
  ['sessions', '/sessions', 'Sessions'],
  ['health', '/health', 'Health'],
  ['usage', '/usage', 'Usage'],
] as const

/** Between two messages of the live region, ms. */
const SAY_MS = 5_000

export function App() {
  const [place, setPlace] = useState<Place>(currentPlace)
  const [said, setSaid] = useState('')
  const [hint, setHint] = useState(0)
  const lastSaid = useRef(Number.NEGATIVE_INFINITY)
  const say = useCallback((text: string) => {
    if (performance.now() - lastSaid.current < SAY_MS) return
    lastSaid.current = performance.now()
    setSaid(`${text}${'\u00a0'.repeat(Math.round(lastSaid.current) % 2)}`)
  }, [])
  const { view, params, anchor } = place
  const key = 'key' in view ? view.key : undefined

  useEffect(() => onPlace(() => setPlace(currentPlace())), [])
  const isLive = view.name === 'now' || view.name === 'sessions' || view.name === 'usage'
  useEffect(() => {
    if (!isLive) return undefined
    return listen([], true, ({ type }) => {
      if (type === 'list' || type === 'runs') setHint((n) => n + 1)
    })
  }, [isLive])
  useEffect(
    () =>
      onKeys({
        '/': () => document.getElementById('search')?.focus(),
        '?': () => go(`${base}/help`),
        '[': () => void neighbour(key, -1),
        ']': () => void neighbour(key, 1),
      }),
    [key],
  )
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to the content
      </button>
      <header class="top">
        <nav aria-label="Views">
          {VIEWS.map(([name, path, title]) => (
            <a key={name} href={base + path} aria-current={view.name === name ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <SearchField value={view.name === 'search' ? (params.get('q') ?? '') : ''} />
        <a href={`${base}/help`} class="help-link" aria-label="Keys">
          ?
        </a>
      </header>
      <main id="main" tabIndex={-1} class={view.name}>
        {view.name === 'now' && <Now hint={hint} />}
        {view.name === 'sessions' && <Sessions params={params} hint={hint} />}
        {view.name === 'health' && <Health />}
        {view.name === 'usage' && <Usage hint={hint} />}
        {view.name === 'search' && <Search query={params.get('q') ?? ''} />}
        {view.name === 'session' && (
          <Session key={view.key} sessionKey={view.key} params={params} anchor={anchor} say={say} />
        )}
        {view.name === 'raw' && <RawPage key={view.key} sessionKey={view.key} params={params} />}
        {view.name === 'help' && <Help />}
        {view.name === 'nowhere' && (
          <>
            <Title>Nothing is here</Title>
            <p>
              <a href={`${base}/sessions`}>The sessions</a>
            </p>
          </>
        )}
      </main>
      <p class="hidden" role="status" aria-live="polite">
        {said}
      </p>
    </>
  )
}

/** Opens the session before or behind this one in the list. */
async function neighbour(key: string | undefined, by: number): Promise<void> {
  const { rows } = await ask<SessionList>('/api/sessions', { limit: 500 })
  const place = rows.findIndex((row) => row.key === key)
  const next = rows[place === -1 ? 0 : place + by]
  if (next !== undefined) go(sessionPath(next.key))
}

function Help() {
  return (
    <>
      <Title>Keys</Title>
      <dl class="keys">
        {KEYS.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              {keys.split(' ').map((one) => (
                <kbd key={one}>{one}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </>
  )
}
