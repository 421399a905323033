/**
 * The part of a log that the page holds: some hundred lines without a gap, by their offsets. It moves with the reader,
 * and grows at its end when the log does.
 */
import type { LinePage, LogLine } from '../../api/shapes.js'
import { ask, ofSession, ServerError } from '../server.js'
import { useCallback, useEffect, useRef, useState } from '../ui.js'

const MAX_LINES = 240
const FIRST = 80
const MORE = 40
/** So much is shown before the line that is gone to. */
const BEFORE = 10
const FAR_BYTES = 64 * 1024
/** So many ids are searched in a log that was rewritten. */
const MAX_TRIES = 5

export interface LogWindow extends Pick<LinePage, 'log' | 'size' | 'from' | 'to' | 'lines' | 'marked'> {
  /** Counts what brings the reader to another place, as opposed to growing. */
  opened: number
  /** The line that it was opened at; none for the end of the log. */
  start: number | undefined
}

export type Start = { at: number } | { id: string } | 'end'

/** Where the reader is: at the end of the log, or at the line of this offset. */
export interface Reading {
  /** Of the log itself: what comes is shown. */
  isAtEnd: boolean
  offset: number
}

export interface LogControl {
  /** Kept up to date by the scroll handler. */
  reading: { current: Reading }
  window: LogWindow | undefined
  error: unknown
  notice: string
  open(start: Start): Promise<void>
  older(): void
  newer(): void
  /** Requests the lines again, for marks that are known meanwhile. */
  refresh(): void
  /** The log as of the last event. */
  grew(log: string, size: number): void
}

export function useLog(key: string, start: Start): LogControl {
  const [window, setWindow] = useState<LogWindow>()
  const [error, setError] = useState<unknown>()
  const [notice, setNotice] = useState('')
  const current = useRef<LogWindow | undefined>(undefined)
  const busy = useRef<Promise<unknown> | undefined>(undefined)
  const size = useRef(0)
  const reading = useRef<Reading>({ isAtEnd: true, offset: 0 })
  const path = ofSession(key, 'lines')

  const show = useCallback((next: LogWindow) => {
    current.current = next
    size.current = Math.max(next.size, size.current)
    setWindow({ ...next, size: size.current })
    setError(undefined)
  }, [])

  const open = useCallback(
    async (wanted: Start) => {
      const work = (async () => {
        const page = await firstPage(path, wanted)
        size.current = page.size
        reading.current.isAtEnd = wanted === 'end'
        show({ ...page, opened: (current.current?.opened ?? 0) + 1, start: wanted === 'end' ? undefined : page.start })
      })()
      busy.current = work
      try {
        await work
      } catch (failed) {
        setError(failed)
      } finally {
        if (busy.current === work) busy.current = undefined
      }
    },
    [path],
  )

  /**
   * A log that was rewritten is opened where the line that is read stands now, or the first one behind it that is left.
   */
  const rewritten = useCallback(async () => {
    setNotice('The log was rewritten.')
    const { isAtEnd, offset } = reading.current
    const lines = current.current?.lines ?? []
    const ids = lines.filter((line) => line.kind === 'message' && line.offset >= offset).map(({ id }) => id as string)
    for (const id of isAtEnd ? [] : ids.slice(0, MAX_TRIES)) {
      const isThere = await ask(path, { id, limit: 1 }).then(
        () => true,
        () => false,
      )
      if (isThere) return open({ id })
    }
    return open('end')
  }, [open, path])

  const more = useCallback(
    (
      params: { at: number; dir: 'before' | 'after'; limit: number },
      merge: (page: LinePage, now: LogWindow) => LogLine[],
    ) => {
      const now = current.current
      if (now === undefined || busy.current !== undefined) return
      const work = ask<LinePage>(path, { ...params, log: now.log })
        .then((page) => {
          const lines = merge(page, now)
          const [from, to] = [lines[0]?.offset ?? page.from, lines.at(-1)?.end ?? page.to]
          show({ ...now, ...page, lines, from, to })
        })
        .catch((failed) => {
          if (failed instanceof ServerError && failed.code === 'ERR_VIEWER_LOG_REWRITTEN') return rewritten()
          setError(failed)
        })
        .finally(() => {
          if (busy.current === work) busy.current = undefined
          // what came while this was on its way
          if (reading.current.isAtEnd) follow()
        })
      busy.current = work
    },
    [path, rewritten],
  )

  const older = useCallback(() => {
    const now = current.current
    if (now === undefined || now.from === 0) return
    more({ at: now.from, dir: 'before', limit: MORE }, (page, { lines }) =>
      [...page.lines, ...lines].slice(0, MAX_LINES),
    )
  }, [more])

  const newer = useCallback(() => {
    const now = current.current
    if (now === undefined || now.to >= size.current) return
    // a line that was not whole is read again
    const last = now.lines.at(-1)
    const at = last?.kind === 'torn' ? last.offset : now.to
    more({ at, dir: 'after', limit: MORE }, (page, { lines }) =>
      [...lines.filter(({ offset }) => offset < page.from), ...page.lines].slice(-MAX_LINES),
    )
  }, [more])

  /** Keeps up with the end of the log; where very much has come, only its end is read. */
  const follow = useCallback(() => {
    const now = current.current
    if (now === undefined || busy.current !== undefined || now.to >= size.current) return
    if (size.current - now.to > FAR_BYTES) void open('end')
    else newer()
  }, [newer, open])

  const refresh = useCallback(() => {
    const now = current.current
    if (now === undefined || now.marked) return
    more({ at: now.from, dir: 'after', limit: Math.min(now.lines.length, 200) }, (page, { lines }) => {
      const fresh = new Map(page.lines.map((line) => [line.offset, line]))
      return lines.map((line) => fresh.get(line.offset) ?? line)
    })
  }, [more])

  const grew = useCallback(
    (log: string, now: number) => {
      const former = current.current
      if (former === undefined) return
      if (former.log !== log) {
        void rewritten()
        return
      }
      size.current = now
      setWindow((shown) => shown && { ...shown, size: now })
      if (reading.current.isAtEnd) follow()
    },
    [follow, rewritten],
  )

  useEffect(() => {
    current.current = undefined
    setWindow(undefined)
    setNotice('')
    void open(start)
  }, [key])

  return { reading, window, error, notice, open, older, newer, refresh, grew }
}

async function firstPage(path: string, start: Start): Promise<LinePage> {
  if (start === 'end') return ask<LinePage>(path, { at: 'end', limit: FIRST })
  if ('at' in start) return ask<LinePage>(path, { at: start.at, dir: 'after', limit: FIRST, before: BEFORE })
  try {
    return await ask<LinePage>(path, { id: start.id, limit: FIRST, before: BEFORE })
  } catch (failed) {
    if (failed instanceof ServerError && failed.status === 404 && failed.code === 'ERR_VIEWER_NOT_FOUND')
      return firstPage(path, 'end')
    throw failed
  }
}
