import { addAbortSignal } from 'node:stream'
import type { SessionStore } from '../../index.js'
import { type Incoming, MAX_LINE, readIncoming } from '../bot/inbox.js'
import { endpointResponder } from '../bot/openai-responder.js'
import { type Progress, ProgressView } from '../bot/progress.js'
import { builtIn, type Responder } from '../bot/responder.js'
import { SenderQueues } from '../bot/sender-queues.js'
import { splitLines } from '../bot/split-lines.js'
import { Stats, summarise } from '../bot/stats.js'
import { summaryText } from '../bot/summary.js'
import { runTurn, type TurnResult } from '../bot/turn.js'
import { exitCodeOf, onInterrupt, type StopSignal } from '../signals.js'
import { escapeLine, jsonLine } from '../terminal/escape.js'
import { count } from '../terminal/format.js'
import { describe, note, PROGRAM, paint } from '../terminal/output.js'
import { type Input, openInput } from '../user-files.js'
import { type GlobalOptions, withStore } from '../with-store.js'

export interface BotOptions extends GlobalOptions {
  default?: string
  concurrency: number
  baseUrl?: string
  model?: string
  system?: string
  timeout: number
  history: number
  json?: boolean
  /** Nothing but replies and failures. */
  quiet?: boolean
}

interface Task extends Incoming {
  line: number
  length: number
}

/** What may wait for its turn: enough to keep every sender served, little enough to hold in memory. */
const MOST_WAITING = 1_000
const MOST_WAITING_BYTES = 32 * 1024 * 1024

/** Serves an inbox and returns the exit code. */
export async function bot(name: string, options: BotOptions): Promise<number> {
  const input = await openInput(name)
  return withStore(options.root, (store) => new Bot(store, input, options).serve())
}

class Bot {
  readonly #store: SessionStore
  readonly #input: Input
  readonly #options: BotOptions
  readonly #respond: Responder
  readonly #stats = new Stats()
  readonly #queues: SenderQueues<Task>
  readonly #reading = new AbortController()
  readonly #started = performance.now()
  #progress!: ProgressView
  #bytesDone = 0
  #inputFailed = false
  #stoppedBy: StopSignal | null = null

  constructor(store: SessionStore, input: Input, options: BotOptions) {
    this.#store = store
    this.#input = input
    this.#options = options
    this.#respond = responderOf(options)
    this.#queues = new SenderQueues<Task>({
      concurrency: options.concurrency,
      waiting: MOST_WAITING,
      bytes: MOST_WAITING_BYTES,
      run: (task) => this.#turn(task),
    })
  }

  async serve(): Promise<number> {
    if (!this.#options.quiet) note(paint('dim', this.#greeting(), process.stderr))
    this.#progress = new ProgressView(() => this.#look(), this.#options.quiet)
    const release = onInterrupt((signal) => this.#stop(signal))
    try {
      await this.#read()
      await this.#queues.idle()
    } finally {
      this.#progress.stop()
    }
    const summary = await summarise(this.#store, this.#stats, {
      input: this.#input.name,
      seconds: (performance.now() - this.#started) / 1000,
      stoppedBy: this.#stoppedBy,
    })
    if (!this.#options.quiet) note(this.#options.json ? jsonLine(summary) : await summaryText(summary))
    release()
    if (this.#stoppedBy) return exitCodeOf(this.#stoppedBy)
    return summary.failed + summary.badLines + summary.leftRunning > 0 || this.#inputFailed ? 1 : 0
  }

  /** Adds the lines of the input to the queues; ends with the input or when the bot is stopped. */
  async #read(): Promise<void> {
    const { stream } = this.#input
    const { signal } = this.#reading
    addAbortSignal(signal, stream)
    try {
      for await (const line of splitLines(stream, { maxBytes: MAX_LINE })) {
        const { number, length } = line
        const incoming = readIncoming(line)
        if (incoming === null || typeof incoming === 'string') {
          this.#bytesDone += length
          if (incoming !== null) this.#badLine(number, incoming)
        } else if (!(await this.#queues.add(incoming.sender, { ...incoming, line: number, length }, length))) {
          this.#stats.unserved++
        }
        if (signal.aborted) break
      }
    } catch (error) {
      if (signal.aborted) return
      this.#inputFailed = true
      this.#complain(`cannot read ${this.#input.name}: ${describe(error)}`)
    }
  }

  /** Never rejects: a failed turn is reported, the others go on. */
  async #turn(task: Task): Promise<void> {
    let ok = true
    try {
      await this.#reply(task, await runTurn(this.#store, task, this.#respond))
    } catch (error) {
      ok = false
      this.#complain(`line ${task.line}: turn of ${escapeLine(task.sender)} failed: ${describe(error)}`)
    }
    this.#stats.turn(task.sender, ok)
    this.#bytesDone += task.length
  }

  /** A line for the connector that sends it. */
  async #reply({ sender }: Task, { reply, turnId }: TurnResult): Promise<void> {
    if (reply !== undefined) await this.#progress.print(jsonLine({ sender, reply, turn: turnId }))
  }

  #badLine(number: number, reason: string): void {
    this.#stats.badLines++
    this.#complain(`line ${number}: ${reason}`)
  }

  #stop(signal: StopSignal): void {
    this.#stoppedBy = signal
    this.#reading.abort()
    this.#stats.unserved += this.#queues.stop()
    const { running } = this.#queues
    if (running > 0) {
      this.#progress.note(`${PROGRAM}: ${signal}: finishing ${count(running, 'turn')} begun; once more ends it at once`)
    }
  }

  #complain(text: string): void {
    this.#progress.note(`${PROGRAM}: ${text}`)
  }

  #look(): Progress {
    const { bytes } = this.#input
    return {
      done: this.#stats.turns,
      failed: this.#stats.failed,
      running: this.#queues.running,
      // A file can grow while it is read.
      share: bytes === null ? null : bytes === 0 ? 1 : Math.min(1, this.#bytesDone / bytes),
    }
  }

  #greeting(): string {
    const { baseUrl, model, concurrency } = this.#options
    const answers = baseUrl === undefined ? 'the built-in responder' : `${model} at ${new URL(baseUrl).host}`
    return `${this.#input.name} -> ${this.#store.dir}, ${concurrency} at once; missing replies by ${escapeLine(answers)}`
  }
}

function responderOf(options: BotOptions): Responder {
  const { baseUrl, model, system } = options
  if (baseUrl === undefined || model === undefined) return builtIn
  return endpointResponder({
    baseUrl,
    model,
    system,
    apiKey: process.env.JSONL_SESSIONS_API_KEY || process.env.OPENAI_API_KEY,
    timeoutMs: options.timeout * 1000,
    history: options.history,
  })
}
