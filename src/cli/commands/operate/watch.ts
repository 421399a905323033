import type { WatchEvent } from '../../../index.js'
import { exitCodeOf, onInterrupt, type StopSignal } from '../../signals.js'
import { escapeLine, jsonLine } from '../../terminal/escape.js'
import { span, stamp } from '../../terminal/format.js'
import { complain, describe, note, paint, print } from '../../terminal/output.js'
import { Alarm } from '../../watch/exec.js'
import { LiveView } from '../../watch/live-view.js'
import { type GlobalOptions, withExistingStore } from '../../with-store.js'

export interface WatchCommandOptions extends GlobalOptions {
  /** Milliseconds. */
  older: number
  json?: boolean
  exec?: string
  poll?: boolean
}

/**
 * Goes on until it is interrupted, or the reader of its output has gone. SIGTERM is a good end: a service is stopped by
 * it.
 */
export async function watch({ root, older, json, exec, poll }: WatchCommandOptions): Promise<number> {
  return withExistingStore(root, async (store) => {
    const stop = new AbortController()
    let stoppedBy: StopSignal | undefined
    const release = onInterrupt((signal) => {
      stoppedBy = signal
      stop.abort()
    })
    const watcher = store.watch({ stuckAfterMs: older, poll: poll === true, signal: stop.signal })
    watcher.on('error', (error) => complain(describe(error)))
    const alarm = exec === undefined ? undefined : new Alarm(exec, store.dir)
    if (alarm !== undefined) watcher.on('stuck', (event) => alarm.ring(event))
    const isLive = !json && process.stdout.isTTY === true && process.env.TERM !== 'dumb'
    const view = isLive ? new LiveView() : undefined
    process.stdout.once('close', () => stop.abort())
    if (!isLive) void watcher.ready.then(() => note(`watching ${escapeLine(store.dir)}`))
    for await (const event of watcher) {
      if (view !== undefined) view.show(event, lineOf(event))
      else if (!(await print(json ? jsonLine({ at: new Date(), ...event }) : lineOf(event)))) break
    }
    await view?.close()
    await alarm?.idle()
    await watcher.close()
    release()
    return stoppedBy === 'SIGINT' ? exitCodeOf(stoppedBy) : 0
  })
}

function lineOf(event: WatchEvent): string {
  const { key, turnId } = event
  const turn = turnId === null ? '' : ` ${escapeLine(turnId)}`
  return `${stamp(new Date()).slice(11)} ${whatOf(event)} ${paint('cyan', escapeLine(key))}${turn}${restOf(event)}`
}

const STYLE = { started: 'dim', finished: 'dim', stuck: 'red', recovered: 'green' } as const

function whatOf({ type }: WatchEvent): string {
  return paint(STYLE[type], type.padEnd(9))
}

function restOf(event: WatchEvent): string {
  const after = ` after ${span(event.runningMs)}`
  if (event.type === 'started') return event.runningMs < 1_000 ? '' : `, running for ${span(event.runningMs)}`
  if (event.type === 'finished') return `${after}, ${event.state}`
  if (event.type === 'stuck') return `${after}: ${event.reason}`
  return `${after} (${event.reason}), ${event.state}`
}
