/** The lines of a session as a list that moves over its log: scrolling asks for what comes next, and keeps its place. */

import { bytes, count } from '../format.js'
import { Failure } from '../parts.js'
import { useEffect, useLayoutEffect, useMemo, useRef } from '../ui.js'
import { entriesOf, type Shown } from './entries.js'
import type { LogControl } from './log-window.js'
import type { Opened } from './nodes.js'
import { Row } from './row.js'

/** More lines are asked for when the reader comes so near to an end, pixels. */
const NEAR = 1_200
const AT_END = 60

export interface Chosen {
  offset: number
  raw: boolean
}

interface Props {
  sessionKey: string
  file: string
  log: LogControl
  shown: Shown
  opened: Opened
  chosen: Chosen | undefined
  choose: (offset: number, raw?: boolean) => void
  restore: ((id: string) => void) | undefined
}

/** The first line in sight, and how far below the top of the frame it begins. */
interface Anchor {
  offset: string
  below: number
}

export function Transcript({ sessionKey, file, log, shown, opened, chosen, choose, restore }: Props) {
  const frame = useRef<HTMLDivElement>(null)
  const anchor = useRef<Anchor | undefined>(undefined)
  const openedAt = useRef(0)
  const lastTop = useRef(0)
  const { window } = log
  const entries = useMemo(() => (window === undefined ? [] : entriesOf(window.lines, shown)), [window?.lines, shown])
  const isWhole = window !== undefined && window.to >= window.size

  const noteAnchor = () => {
    const element = frame.current
    if (element === null || log.reading.current.isAtEnd) return
    const { top } = element.getBoundingClientRect()
    for (const row of element.querySelectorAll<HTMLElement>('[data-offset]')) {
      const box = row.getBoundingClientRect()
      if (box.bottom <= top) continue
      anchor.current = { offset: row.dataset.offset ?? '', below: box.top - top }
      log.reading.current.offset = Number(row.dataset.offset)
      return
    }
  }
  const keepPlace = () => {
    const element = frame.current
    if (element === null) return
    if (log.reading.current.isAtEnd) element.scrollTop = element.scrollHeight
    else if (anchor.current !== undefined) {
      const row = element.querySelector(`[data-offset="${anchor.current.offset}"]`)
      const top = element.getBoundingClientRect().top + anchor.current.below
      if (row !== null) element.scrollTop += row.getBoundingClientRect().top - top
    }
  }
  const onScroll = () => {
    const element = frame.current
    if (element === null) return
    const below = element.scrollHeight - element.scrollTop - element.clientHeight
    // what grew below leaves the reader at the end; who moves up is elsewhere
    if (below < AT_END) log.reading.current.isAtEnd ||= isWhole
    else if (element.scrollTop < lastTop.current) log.reading.current.isAtEnd = false
    lastTop.current = element.scrollTop
    noteAnchor()
    if (element.scrollTop < NEAR) log.older()
    if (below < NEAR) log.newer()
  }

  useLayoutEffect(() => {
    const element = frame.current
    if (element === null || window === undefined) return
    if (window.opened !== openedAt.current) {
      openedAt.current = window.opened
      const start = window.start === undefined ? null : element.querySelector(`[data-offset="${window.start}"]`)
      if (start !== null) start.scrollIntoView({ block: 'start' })
      else element.scrollTop = element.scrollHeight
    } else keepPlace()
    noteAnchor()
  }, [entries])

  // texts take other heights in another width: what is read stays where it is
  useLayoutEffect(() => {
    const element = frame.current
    if (element === null) return undefined
    const observer = new ResizeObserver(keepPlace)
    observer.observe(element)
    return () => observer.disconnect()
  }, [])

  // a window that does not fill the frame gives nothing to scroll
  useEffect(() => {
    const element = frame.current
    if (element !== null && window !== undefined && element.scrollHeight < element.clientHeight + NEAR) log.older()
  }, [entries])

  if (log.error !== undefined && window === undefined)
    return <Failure error={log.error} retry={() => void log.open('end')} />
  return (
    <div class="transcript-frame">
      <div
        class="transcript"
        ref={frame}
        onScroll={onScroll}
        role="log"
        aria-live="off"
        aria-label="Lines of the session"
        tabIndex={0}
      >
        {window === undefined ? (
          <p class="note">Reading…</p>
        ) : (
          <>
            {window.from > 0 ? (
              <p class="edge">Earlier lines come as you scroll.</p>
            ) : (
              <p class="edge">The log begins here.</p>
            )}
            {entries.map((entry) =>
              entry.what === 'day' ? (
                <h2 class="day" key={entry.key}>
                  {entry.day}
                </h2>
              ) : (
                <Row
                  key={entry.key}
                  sessionKey={sessionKey}
                  file={file}
                  entry={entry}
                  opened={opened}
                  isCurrent={chosen?.offset === entry.line.offset}
                  isRaw={chosen?.offset === entry.line.offset && chosen.raw}
                  isWhole={isWhole}
                  choose={choose}
                  restore={restore}
                />
              ),
            )}
            {log.error !== undefined && <Failure error={log.error} retry={() => void log.open('end')} />}
          </>
        )}
      </div>
      {window !== undefined && window.size > 0 && (
        <Position window={window} jump={(at) => void log.open(at === 'end' ? 'end' : { at })} />
      )}
    </div>
  )
}

/** Stands for the bytes of the log, so that one of any length needs no count. */
function Position({ window, jump }: { window: NonNullable<LogControl['window']>; jump: (at: number | 'end') => void }) {
  const { from, to, size } = window
  return (
    <div class="position">
      <button type="button" onClick={() => jump(0)} aria-label="To the start of the log">
        ⤒
      </button>
      <input
        type="range"
        aria-label="Place in the log"
        aria-valuetext={`byte ${count(from)} of ${count(size)}`}
        title={`bytes ${count(from)} to ${count(to)} of ${bytes(size)}`}
        min={0}
        max={size}
        value={to >= size ? size : from}
        onChange={({ currentTarget }) =>
          jump(Number(currentTarget.value) >= size ? 'end' : Number(currentTarget.value))
        }
      />
      <button type="button" onClick={() => jump('end')} aria-label="To the end of the log">
        ⤓
      </button>
    </div>
  )
}
