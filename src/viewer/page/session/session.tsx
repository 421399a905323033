/** One session: its lines or what a model would see of them, with what is known of it at the side. */

import type { JsonObject } from '../../../base/json.js'
import { messageBody } from '../../../formats/html/message.js'
import type { ContextPage, SessionFacts, ViewerEvent } from '../../api/shapes.js'
import { bytes, counted, label } from '../format.js'
import { onKeys } from '../keys.js'
import { Failure, State, Tag, useAnswer } from '../parts.js'
import { sessionPath, withParams } from '../place.js'
import { ask, change, listen, ofSession } from '../server.js'
import { useCallback, useEffect, useMemo, useState } from '../ui.js'
import { Actions } from './actions.js'
import { Find } from './find.js'
import { type LogControl, type Start, useLog } from './log-window.js'
import { Nodes, type Opened } from './nodes.js'
import { Side } from './side.js'
import { type Chosen, Transcript } from './transcript.js'

const INFO_MS = 2_000

interface Props {
  sessionKey: string
  params: URLSearchParams
  anchor: string
  say: (text: string) => void
}

export function Session({ sessionKey, params, anchor, say }: Props) {
  const at = params.get('at')
  const start: Start = anchor !== '' ? { id: anchor } : at !== null && /^\d+$/.test(at) ? { at: Number(at) } : 'end'
  const log = useLog(sessionKey, start)
  const [hint, setHint] = useState(0)
  const { answer: facts, error, retry } = useAnswer(() => ask<SessionFacts>(ofSession(sessionKey)), [sessionKey, hint])
  const [chosen, setChosen] = useState<Chosen>()
  const [opened, setOpened] = useState<Opened>({ all: false, thinking: false })
  const isContext = params.get('view') === 'context'
  const [removed, records] = [params.get('removed') === '1', params.get('records') === '1']
  const shown = useMemo(() => ({ removed, records }), [removed, records])
  const choose = useCallback((offset: number, raw = false) => setChosen({ offset, raw }), [])
  const restore = useCallback(
    (id: string) => {
      if (!confirm(`Add the removed message at the end again?\n\nKey: ${label(sessionKey)}`)) return
      change({ do: 'restore', key: sessionKey, id }).catch((failed) => alert(label(failed.message)))
    },
    [sessionKey],
  )
  const goTo = useCallback((offset: number) => void log.open({ at: offset }), [log.open])

  useEffect(() => setChosen(undefined), [sessionKey])
  useEffect(() => {
    const { start } = log.window ?? {}
    if (start !== undefined) setChosen({ offset: start, raw: false })
  }, [log.window?.opened])
  useEffect(() => {
    if (log.window !== undefined && (anchor !== '' || at !== null)) void log.open(start)
  }, [anchor, at])
  useLive(sessionKey, log, say, () => setHint((n) => n + 1))
  useEffect(() => keysOf({ log, chosen, choose, setOpened }), [log.window, chosen])

  if (error !== undefined && facts === undefined) return <Failure error={error} retry={retry} />
  const title = label(facts?.name ?? sessionKey)
  return (
    <div class="session">
      <div class="session-main">
        <div class="title">
          <h1>{title}</h1>
          {facts !== undefined && (
            <p class="note">
              {facts.name !== null && <span class="key">{label(facts.key)}</span>}
              <State state={facts.state} />
              <span>
                {counted(facts.messages, 'message')}, {bytes(facts.bytes)}
              </span>
              {facts.damaged > 0 && <span class="state damaged">⚠ {counted(facts.damaged, 'bad line')}</span>}
              {facts.tags.map((tag) => (
                <Tag key={tag} tag={tag} />
              ))}
            </p>
          )}
          <Switches params={params} opened={opened} setOpened={setOpened} />
        </div>
        <Find sessionKey={sessionKey} goTo={goTo} />
        {error !== undefined && <Failure error={error} retry={retry} />}
        {log.notice !== '' && (
          <p class="notice" role="status">
            {log.notice}
          </p>
        )}
        {log.window?.marked === false && (
          <p class="notice" role="status">
            The log is still being read: which lines are removed or archived is not known yet.
          </p>
        )}
        {isContext ? (
          <Context sessionKey={sessionKey} hint={hint} opened={opened} />
        ) : (
          <Transcript
            sessionKey={sessionKey}
            file={facts?.file ?? ''}
            log={log}
            shown={shown}
            opened={opened}
            chosen={chosen}
            choose={choose}
            restore={facts?.writable ? restore : undefined}
          />
        )}
      </div>
      {facts !== undefined && (
        <Side facts={facts} hint={hint}>
          {facts.writable && <Actions facts={facts} done={() => setHint((n) => n + 1)} />}
        </Side>
      )}
    </div>
  )
}

function Switches({
  params,
  opened,
  setOpened,
}: {
  params: URLSearchParams
  opened: Opened
  setOpened: (opened: Opened) => void
}) {
  const isContext = params.get('view') === 'context'
  const toggle = (name: string) => withParams({ [name]: params.get(name) === '1' ? undefined : '1' })
  return (
    <fieldset class="switches">
      <legend class="hidden">What is shown</legend>
      <button type="button" aria-pressed={!isContext} onClick={() => withParams({ view: undefined })}>
        All
      </button>
      <button type="button" aria-pressed={isContext} onClick={() => withParams({ view: 'context' })}>
        What the model sees
      </button>
      <button type="button" aria-pressed={params.get('removed') === '1'} onClick={() => toggle('removed')}>
        Removed
      </button>
      <button type="button" aria-pressed={params.get('records') === '1'} onClick={() => toggle('records')}>
        Records
      </button>
      <button type="button" aria-pressed={opened.all} onClick={() => setOpened({ ...opened, all: !opened.all })}>
        Expand all
      </button>
      <button
        type="button"
        aria-pressed={opened.thinking}
        onClick={() => setOpened({ ...opened, thinking: !opened.thinking })}
      >
        Thinking
      </button>
    </fieldset>
  )
}

/** Events of the session: its lines at once, what is known of it at most every two seconds. */
function useLive(key: string, log: LogControl, say: (text: string) => void, changed: () => void): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let isFirst = true
    const later = () => {
      timer ??= setTimeout(() => {
        timer = undefined
        changed()
      }, INFO_MS)
    }
    const take = (event: ViewerEvent) => {
      if (event.type === 'grew' || event.type === 'rewritten') {
        log.grew(event.log, event.size)
        say(event.type === 'grew' ? 'The session has new lines.' : 'The log was rewritten.')
        later()
      } else if (event.type === 'marked') log.refresh()
      else if (event.type === 'gone') {
        say('The session is gone.')
        changed()
      } else if (event.type === 'runs') later()
      else if (event.type === 'hello') {
        // what happened while there was no connection
        if (!isFirst) {
          log.newer()
          changed()
        }
        isFirst = false
      }
    }
    const stop = listen([key], false, take)
    return () => {
      stop()
      clearTimeout(timer)
    }
  }, [key, log.grew, log.refresh])
}

interface Keyed {
  log: LogControl
  chosen: Chosen | undefined
  choose: (offset: number, raw?: boolean) => void
  setOpened: (change: (opened: Opened) => Opened) => void
}

function keysOf({ log, chosen, choose, setOpened }: Keyed): () => void {
  const step = (by: number) => {
    const rows = [...document.querySelectorAll<HTMLElement>('.transcript [data-offset]')]
    const place = rows.findIndex((row) => row.dataset.offset === `${chosen?.offset}`)
    const next = rows[place === -1 ? rows.length - 1 : Math.min(Math.max(place + by, 0), rows.length - 1)]
    if (next === undefined) return
    choose(Number(next.dataset.offset))
    next.scrollIntoView({ block: 'nearest' })
    if (place + by < 3) log.older()
    if (place + by > rows.length - 3) log.newer()
  }
  return onKeys({
    j: () => step(1),
    k: () => step(-1),
    e: () => setOpened((opened) => ({ ...opened, all: !opened.all })),
    t: () => setOpened((opened) => ({ ...opened, thinking: !opened.thinking })),
    r: () => {
      if (chosen !== undefined) choose(chosen.offset, !chosen.raw)
    },
  })
}

/** The summary in force and the messages behind it, as a model is given them. */
function Context({ sessionKey, hint, opened }: { sessionKey: string; hint: number; opened: Opened }) {
  const { answer, error, retry } = useAnswer(
    () => ask<ContextPage>(ofSession(sessionKey, 'context')),
    [sessionKey, hint],
  )
  if (error !== undefined) return <Failure error={error} retry={retry} />
  if (answer === undefined) return <p class="note">Reading…</p>
  return (
    <section class="transcript" aria-label="What the model sees" tabIndex={0}>
      <p class="edge">
        {counted(answer.messages.length, 'message')}
        {answer.whole ? '' : ', and more before them'}. <a href={sessionPath(sessionKey)}>All lines</a>
      </p>
      {answer.messages.map((message, i) => (
        <article
          class={`row message ${['user', 'assistant', 'system', 'tool'].includes(`${message.role}`) ? message.role : 'other'}`}
          key={i}
        >
          <header>
            <span class="role">{label(`${message.role}`)}</span>
          </header>
          <Nodes nodes={messageBody(message as JsonObject)} opened={opened} />
        </article>
      ))}
    </section>
  )
}
