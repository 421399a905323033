/** The routes of the API. Shapes and parameters are those of shapes.ts. */
import { read, readSync } from '../../disk/files.js'
import { LogReader } from '../../disk/log/log-reader.js'
import { nameOf } from '../../disk/names.js'
import { GraphLog } from '../../graph/graph-log.js'
import type { Listed } from '../../list/row.js'
import type { StoreInternals } from '../../list/store-internals.js'
import type { SessionStore } from '../../store/store.js'
import { apply, changeOf } from '../live/changes.js'
import { EventHub } from '../live/events.js'
import { LogView } from '../log/log-view.js'
import { OneEach } from '../one-each.js'
import { keyOf } from './addresses.js'
import { badRequest, download, json, jsonLines, ViewerError } from './answers.js'
import { findAnswers, searchAnswer } from './find-answers.js'
import { isSame, loginCookie, type Secrets } from './guard.js'
import { CheckJob, quarantinedFile, quarantineIn } from './health.js'
import { contextPage, graphOf, infoFor, runningAnswer } from './session-answers.js'
import { countParam, listOf, listQuery } from './session-list.js'
import type { LinePage, SessionFacts } from './shapes.js'
import { UsageFacts } from './usage.js'

const MAX_BODY = 64 * 1024
const MAX_KEPT = 16
const MAX_RAW = 2 * 1024 * 1024
const STREAM_BYTES = 256 * 1024
const MIN_QUERY = 2
/** A list that was read so recently is served again, ms. */
const LIST_MS = 250

type Params = URLSearchParams

export class Api {
  readonly #store: SessionStore
  readonly #parts: StoreInternals
  readonly #secrets: Secrets
  readonly #base: string
  readonly #events: EventHub
  readonly #usage: UsageFacts
  readonly #check: CheckJob
  readonly #searches = new OneEach()
  #list: { began: number; rows: Promise<Listed[]> } | undefined
  /** Views of the logs that were requested last. */
  readonly #views = new Map<string, LogView>()
  readonly #graphs = new Map<string, GraphLog>()

  constructor(store: SessionStore, parts: StoreInternals, secrets: Secrets, base: string) {
    this.#store = store
    this.#parts = parts
    this.#secrets = secrets
    this.#base = base
    this.#events = new EventHub(parts)
    this.#usage = new UsageFacts(parts)
    this.#check = new CheckJob(parts)
  }

  /** Undefined for an unknown path. */
  async answer(request: Request, path: string, params: Params): Promise<Response | undefined> {
    if (request.method === 'POST') return this.#post(request, path)
    const session = /^\/api\/s\/([^/]+)(?:\/(\w+))?$/.exec(path)
    if (session !== null) return this.#ofSession(keyIn(session[1] as string), session[2] ?? '', params)
    switch (path) {
      case '/api/sessions': {
        const query = listQuery(params)
        return json(listOf(await this.#sessions(), query, this.#store.now()))
      }
      case '/api/running':
        return json(await runningAnswer(this.#store, this.#parts, this.#events.stuck, this.#isWritable))
      case '/api/check':
        return json(this.#check.look(params.get('again') === '1'))
      case '/api/usage':
        return json(await this.#usage.answer())
      case '/api/search':
        return this.#search(params)
      case '/api/quarantine':
        return json(quarantineIn(this.#parts))
      case '/api/quarantine/file':
        return this.#quarantined(params)
      case '/api/raw':
        return this.#raw(keyIn(params.get('key') ?? '', false), params)
      case '/api/events':
        return this.#events.open(
          params.getAll('s').flatMap((segment) => keyOf(segment) ?? []),
          params.get('list') === '1',
        )
      default:
        return undefined
    }
  }

  async close(): Promise<void> {
    this.#searches.close()
    this.#usage.close()
    this.#check.close()
    await this.#events.close()
  }

  /** Rows of the list. Pages that are requested at once are of the same list. */
  #sessions(): Promise<Listed[]> {
    const now = performance.now()
    if (this.#list === undefined || now - this.#list.began > LIST_MS) {
      const rows = this.#parts.index.sessions()
      this.#list = { began: now, rows }
      rows.catch(() => {
        this.#list = undefined
      })
    }
    return this.#list.rows
  }

  get #isWritable(): boolean {
    return this.#secrets.writeToken !== undefined
  }

  async #post(request: Request, path: string): Promise<Response | undefined> {
    if (path !== '/api/login' && path !== '/api/change') return undefined
    const body = await bodyOf(request)
    if (path === '/api/change') {
      await apply(this.#store, changeOf(body))
      return json({ done: true })
    }
    const token = (body as { token?: unknown } | null)?.token
    if (typeof token !== 'string' || !isSame(token, this.#secrets.token)) {
      throw new ViewerError(401, 'ERR_VIEWER_TOKEN', 'this is not the token of this viewer')
    }
    const response = json({ writable: this.#isWritable })
    response.headers.set('set-cookie', loginCookie(this.#secrets, this.#base))
    return response
  }

  async #ofSession(key: string, what: string, params: Params): Promise<Response | undefined> {
    switch (what) {
      case '':
        return json(await this.#facts(key))
      case 'lines':
        return json(await this.#lines(key, params))
      case 'line':
        return json(await this.#view(key).line(countParam(params, 'at', 0)))
      case 'context':
        return json(await contextPage(this.#store.session(key)))
      case 'graph':
        return json(await graphOf(this.#graph(key), key))
      case 'blob':
        return this.#blob(key, params.get('ref') ?? '')
      case 'find':
        return this.#find(key, params)
      default:
        return undefined
    }
  }

  async #search(params: Params): Promise<Response> {
    const query = queryIn(params)
    const { signal, done } = this.#searches.begin(params.get('client'))
    try {
      return json(await searchAnswer(this.#parts, query, signal))
    } catch (error) {
      throw signal.aborted
        ? new ViewerError(503, 'ERR_VIEWER_BUSY', 'another search of this page began, or it took too long')
        : error
    } finally {
      done()
    }
  }

  #find(key: string, params: Params): Response {
    const { path } = this.#store.session(key)
    const [text, from] = [queryIn(params), countParam(params, 'from', 0)]
    const { signal, done } = this.#searches.begin(params.get('client'))
    return jsonLines(findAnswers(path, key, text, from, signal), done)
  }

  async #lines(key: string, params: Params): Promise<LinePage> {
    const view = this.#view(key)
    const limit = countParam(params, 'limit', 100)
    const before = countParam(params, 'before', 0)
    const id = params.get('id')
    if (id !== null) {
      const at = await view.offsetOf(id)
      if (at === undefined) throw new ViewerError(404, 'ERR_VIEWER_NOT_FOUND', 'no line of the log has this id')
      return view.page({ at, dir: 'after', limit, before })
    }
    const dir = params.get('dir') ?? (params.get('at') === 'end' ? 'before' : 'after')
    if (dir !== 'before' && dir !== 'after') throw badRequest('dir must be before or after')
    const at = params.get('at') === 'end' ? 'end' : countParam(params, 'at', 0)
    return view.page({ at, dir, limit, before, log: params.get('log') ?? undefined })
  }

  #facts(key: string): Promise<SessionFacts> {
    const hasGraph = this.#views.get(key)?.hasGraph ?? false
    return infoFor(this.#parts, this.#store.session(key), this.#usage, { hasGraph, writable: this.#isWritable })
  }

  #graph(key: string): GraphLog {
    return kept(this.#graphs, key, () => new GraphLog(this.#parts.log(key)))
  }

  #view(key: string): LogView {
    const onMarked = () => this.#events.send({ type: 'marked', key })
    return kept(this.#views, key, () => new LogView(key, this.#store.session(key).path, onMarked))
  }

  async #raw(key: string, params: Params): Promise<Response> {
    const { path } = this.#store.session(key)
    const name = `${nameOf(key)}.bin`
    if (params.get('all') === '1') return download(wholeOf(path), name)
    const [at, length] = [countParam(params, 'at', 0), countParam(params, 'length', MAX_RAW)]
    const bytes = await LogReader.using(path, ({ fd }) => read(fd, at, Math.min(length, MAX_RAW)))
    if (bytes === undefined) throw new ViewerError(404, 'ERR_VIEWER_NOT_FOUND', 'there is no such session')
    return download(bytes, name)
  }

  #blob(key: string, ref: string): Response {
    const path = this.#graph(key).blobs.pathOf(ref)
    if (path === undefined) throw new ViewerError(404, 'ERR_VIEWER_NOT_FOUND', 'the session has no such blob')
    return download(wholeOf(path), `${ref}.bin`)
  }

  #quarantined(params: Params): Response {
    const file = params.get('file') ?? ''
    const path = quarantinedFile(this.#parts, params.get('name') ?? '', file)
    if (path === undefined) throw new ViewerError(404, 'ERR_VIEWER_NOT_FOUND', 'no such file is in quarantine')
    return download(wholeOf(path), file)
  }
}

/** What a map holds for a key, which becomes the last to be dropped. */
function kept<T>(map: Map<string, T>, key: string, make: () => T): T {
  const value = map.get(key) ?? make()
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > MAX_KEPT && oldest !== undefined) map.delete(oldest)
  return value
}

/** The bytes of a file, read as they are sent. */
function wholeOf(path: string): ReadableStream<Uint8Array> {
  const reader = LogReader.open(path)
  if (reader === undefined) throw new ViewerError(404, 'ERR_VIEWER_NOT_FOUND', 'the file is gone')
  let at = 0
  return new ReadableStream({
    pull(controller) {
      const bytes = readSync(reader.fd, at, Math.min(STREAM_BYTES, reader.size - at))
      at += bytes.length
      if (bytes.length > 0) controller.enqueue(bytes)
      if (bytes.length > 0 && at < reader.size) return
      reader.close()
      controller.close()
    },
    cancel: () => reader.close(),
  })
}

function keyIn(text: string, isSegment = true): string {
  const key = isSegment ? keyOf(text) : text
  if (key === undefined) throw badRequest('the address holds no key')
  return key
}

function queryIn(params: Params): string {
  const text = params.get('q') ?? ''
  if (text.trim().length < MIN_QUERY) throw badRequest(`a search needs at least ${MIN_QUERY} characters`)
  return text
}

async function bodyOf(request: Request): Promise<unknown> {
  if (!/^application\/json\b/.test(request.headers.get('content-type') ?? '')) throw badRequest('the body must be JSON')
  const reader = request.body?.getReader()
  const parts: Uint8Array[] = []
  let length = 0
  for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader?.read()) {
    length += part.value.length
    if (length > MAX_BODY) throw new ViewerError(413, 'ERR_VIEWER_TOO_LARGE', `a body has at most ${MAX_BODY} bytes`)
    parts.push(part.value)
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString())
  } catch {
    throw badRequest('the body must be JSON')
  }
}
