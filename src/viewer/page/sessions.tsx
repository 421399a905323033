/**
 * The list of sessions. Only the rows in sight are in the page, and only blocks of rows that were in sight are asked
 * for.
 */
import type { SessionList, SessionRow, SortBy } from '../api/shapes.js'
import { ago, bytes, count, counted, label, short } from './format.js'
import { Failure, State, Tag, Title } from './parts.js'
import { base, go, sessionPath, withParams } from './place.js'
import { ask } from './server.js'
import { useEffect, useLayoutEffect, useRef, useState } from './ui.js'

const ROW_HEIGHT = 48
const BLOCK = 100
const AROUND = 8
const SORTS: ReadonlyArray<[SortBy, string]> = [
  ['activity', 'latest activity'],
  ['name', 'name'],
  ['messages', 'messages'],
  ['bytes', 'size'],
  ['tokens', 'tokens'],
  ['damaged', 'damage'],
]
const AGES: ReadonlyArray<[string, string]> = [
  ['', 'any time'],
  ['1', 'last day'],
  ['7', 'last week'],
  ['30', 'last month'],
]

export function Sessions({ params, hint }: { params: URLSearchParams; hint: number }) {
  const filters = ['q', 'state', 'tag', 'days', 'sort'].map(
    (name) => `${name}=${encodeURIComponent(params.get(name) ?? '')}`,
  )
  const query = filters.join('&')
  const list = useRows(query, hint)
  const { total, all, tags } = list.head
  return (
    <div class="sessions">
      <Title
        note={
          list.isThere
            ? total === all
              ? counted(all, 'session')
              : `${count(total)} of ${counted(all, 'session')}`
            : ''
        }
      >
        Sessions
      </Title>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          <span>Key or name</span>
          <input
            type="search"
            value={params.get('q') ?? ''}
            onInput={({ currentTarget }) => withParams({ q: currentTarget.value })}
          />
        </label>
        <Choice
          name="state"
          title="State"
          params={params}
          options={[
            ['', 'any'],
            ['running', 'running'],
            ['error', 'error'],
            ['idle', 'idle'],
          ]}
        />
        <Choice
          name="tag"
          title="Tag"
          params={params}
          options={[['', 'any'], ...tags.map((tag): [string, string] => [tag, label(tag)])]}
        />
        <Choice name="days" title="Active" params={params} options={AGES} />
        <Choice name="sort" title="Order" params={params} options={SORTS} />
      </form>
      {list.error !== undefined && <Failure error={list.error} retry={list.retry} />}
      {list.isThere && total === 0 && <p class="calm">No session is like that.</p>}
      <Rows list={list} />
    </div>
  )
}

function Choice(props: {
  name: string
  title: string
  params: URLSearchParams
  options: ReadonlyArray<readonly [string, string]>
}) {
  const { name, title, params, options } = props
  const value = params.get(name) ?? ''
  const known =
    options.some(([one]) => one === value) || value === '' ? options : [...options, [value, label(value)] as const]
  return (
    <label>
      <span>{title}</span>
      <select
        value={value === '' && name === 'sort' ? 'activity' : value}
        onChange={({ currentTarget }) => withParams({ [name]: currentTarget.value })}
      >
        {known.map(([one, text]) => (
          <option key={one} value={one}>
            {text}
          </option>
        ))}
      </select>
    </label>
  )
}

interface RowList {
  head: Pick<SessionList, 'total' | 'all' | 'tags'>
  isThere: boolean
  row(place: number): SessionRow | undefined
  /** Asks for the blocks of these places that are not there. */
  need(from: number, to: number): void
  error: unknown
  retry(): void
}

function useRows(query: string, hint: number): RowList {
  const blocks = useRef(new Map<number, SessionRow[]>())
  const asked = useRef(new Set<number>())
  const round = useRef(0)
  const seen = useRef<[number, number]>([0, 0])
  const total = useRef(0)
  const [head, setHead] = useState<RowList['head'] & { isThere: boolean }>({
    total: 0,
    all: 0,
    tags: [],
    isThere: false,
  })
  const [error, setError] = useState<unknown>()
  const [, draw] = useState(0)

  const load = async (block: number) => {
    const now = round.current
    asked.current.add(block)
    try {
      const answer = await ask<SessionList>('/api/sessions', {
        ...Object.fromEntries(new URLSearchParams(query)),
        after: block * BLOCK,
        limit: BLOCK,
      })
      if (now !== round.current) return
      blocks.current.set(block, answer.rows)
      total.current = answer.total
      setHead({ total: answer.total, all: answer.all, tags: answer.tags, isThere: true })
      setError(undefined)
      draw((n) => n + 1)
    } catch (failed) {
      if (now === round.current) setError(failed)
    }
  }
  const need = (from: number, to: number) => {
    seen.current = [from, to]
    const last = Math.floor(Math.max(0, total.current - 1) / BLOCK)
    // one block ahead on both sides, so that a quick scroll meets rows
    for (let block = Math.floor(from / BLOCK) - 1; block <= Math.floor(to / BLOCK) + 1; block++) {
      if (block >= 0 && block <= last && !asked.current.has(block)) void load(block)
    }
  }
  const again = (keep: boolean) => {
    round.current++
    asked.current.clear()
    if (!keep) blocks.current.clear()
    need(...seen.current)
    // blocks out of sight are asked for when they come into it
    for (const block of blocks.current.keys()) if (!asked.current.has(block)) blocks.current.delete(block)
  }
  useLayoutEffect(() => again(false), [query])
  useEffect(() => {
    if (hint > 0) again(true)
  }, [hint])
  return {
    head,
    isThere: head.isThere,
    row: (place) => blocks.current.get(Math.floor(place / BLOCK))?.[place % BLOCK],
    need,
    error,
    retry: () => again(true),
  }
}

function Rows({ list }: { list: RowList }) {
  const frame = useRef<HTMLDivElement>(null)
  const [top, setTop] = useState(0)
  const [height, setHeight] = useState(800)
  const first = Math.max(0, Math.floor(top / ROW_HEIGHT) - AROUND)
  const last = Math.min(list.head.total - 1, Math.ceil((top + height) / ROW_HEIGHT) + AROUND)
  useLayoutEffect(() => {
    const element = frame.current
    if (element === null) return undefined
    const observer = new ResizeObserver(() => setHeight(element.clientHeight))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  useEffect(() => {
    if (last >= first) list.need(first, last)
  }, [first, last, list.head.total])
  const places = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i)
  return (
    <div class="rows" ref={frame} onScroll={({ currentTarget }) => setTop(currentTarget.scrollTop)}>
      <ul style={{ height: `${list.head.total * ROW_HEIGHT}px` }} onKeyDown={moveFocus}>
        {places.map((place) => (
          <Row key={place} place={place} total={list.head.total} row={list.row(place)} />
        ))}
      </ul>
    </div>
  )
}

/** Arrow keys go from row to row; the row that has the focus is scrolled into sight, and rows are keyed by place. */
function moveFocus(event: KeyboardEvent) {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
  const item = (event.target as Element).closest('li')
  const next = event.key === 'ArrowDown' ? item?.nextElementSibling : item?.previousElementSibling
  const link = next?.querySelector('a')
  if (!link) return
  event.preventDefault()
  link.focus()
}

function Row({ place, total, row }: { place: number; total: number; row: SessionRow | undefined }) {
  const style = { transform: `translateY(${place * ROW_HEIGHT}px)` }
  if (row === undefined) {
    return <li class="blank" style={style} aria-setsize={total} aria-posinset={place + 1} />
  }
  const { key, name, tags, state, lastActivity, messages, damaged } = row
  return (
    <li style={style} aria-setsize={total} aria-posinset={place + 1}>
      <span class="who">
        <a href={sessionPath(key)}>{label(name ?? key)}</a>
        {name !== null && <span class="key">{label(key)}</span>}
        {tags.slice(0, 4).map((tag) => (
          <Tag key={tag} tag={tag} />
        ))}
      </span>
      <span class="marks">
        {damaged > 0 && <span class="state damaged">⚠ {count(damaged)}</span>}
        <State state={state} />
      </span>
      <time dateTime={lastActivity} title={lastActivity}>
        {ago(lastActivity)}
      </time>
      <span class="number">{counted(messages, 'message')}</span>
      <span class="number wide">{bytes(row.bytes)}</span>
      <span class="number wide">{row.tokens > 0 ? `${short(row.tokens)} tokens` : ''}</span>
    </li>
  )
}

/** The field that searches the messages of all sessions. */
export function SearchField({ value }: { value: string }) {
  const submit = (event: Event) => {
    event.preventDefault()
    const text = new FormData(event.currentTarget as HTMLFormElement).get('q')
    go(`${base}/search?q=${encodeURIComponent(`${text ?? ''}`)}`)
  }
  return (
    <search class="search">
      <form onSubmit={submit}>
        <input
          id="search"
          type="search"
          name="q"
          key={value}
          defaultValue={value}
          placeholder="Search all messages  /"
          aria-label="Search all messages"
        />
      </form>
    </search>
  )
}
