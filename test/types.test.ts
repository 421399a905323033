/** What the types of the public API accept and return: `npm run test:types` checks them. */
import type { ModelMessage, UIMessage } from 'ai'
import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions'
import { expectTypeOf, test } from 'vitest'
import type * as Persisted from '../src/contracts/persistence/index.js'
import type * as Backend from '../src/contracts/session-backend/index.js'
import type * as Managed from '../src/contracts/session-manager/index.js'
import type {
  AnyMessage,
  CheckReport,
  CleanupResult,
  Entry,
  GivenMessage,
  Json,
  MergeResult,
  PurgeTrashResult,
  QuarantineEntry,
  Received,
  RecoverReport,
  RemovedMessage,
  RewriteAllResult,
  RewriteResult,
  RunningSession,
  RunState,
  SearchHit,
  Session,
  SessionInfo,
  SessionStats,
  SessionStore,
  StoreCheck,
  StoredMessage,
  TrashEntry,
  Turn,
  Usage,
  Value,
  WaitOptions,
  Watcher,
} from '../src/index.js'
import { openStore } from '../src/index.js'
import { open } from './helpers/store.js'

interface Plain {
  role: string
  text: string
}
type Alias = { role: 'user' | 'assistant'; content: string }
type Union =
  | { role: 'user'; content: string | Array<{ type: 'text'; text: string }> }
  | { role: 'tool'; toolCallId: string; content: unknown }
/** As chat SDKs have it: an id of its own, and parts. */
interface UiMessage {
  id: string
  role: 'system' | 'user' | 'assistant'
  parts: Array<{ type: 'text'; text: string } | { type: 'file'; url: string; mediaType: string }>
  metadata?: unknown
}
interface NumberedMessage {
  role: string
  id: number
}
/** As chat APIs have it: interfaces with optional fields and null. */
interface AssistantParam {
  role: 'assistant'
  content?: string | null
  tool_calls?: Array<{ id: string; type: 'function'; function: { name: string; arguments: string } }>
}

test('an interface, a type alias and a union fit a store that knows nothing of its messages', async () => {
  const session = (await open()).session('a')
  const plain: Plain = { role: 'user', text: 'x' }
  const alias: Alias = { role: 'user', content: 'x' }
  const union = { role: 'tool', toolCallId: 't', content: null } as Union
  const ui: UiMessage = { id: '1', role: 'user', parts: [] }
  const param: AssistantParam = { role: 'assistant', content: null }
  for (const id of await Promise.all([plain, alias, union, ui, param].map((message) => session.append(message))))
    expectTypeOf(id).toEqualTypeOf<string>()
  expectTypeOf(await session.append([plain, plain])).toEqualTypeOf<string[]>()
  const [message] = await session.messages()
  expectTypeOf(message!.id).toEqualTypeOf<string>()
  expectTypeOf(message!.at).toEqualTypeOf<string>()
  await session.remove(message!.id)
  // @ts-expect-error a message needs a role
  await session.append({ content: 'x' }).catch(() => {})
  // @ts-expect-error that is text
  await session.append({ role: 1 }).catch(() => {})
})

test('a store of one type of messages accepts and returns that', async () => {
  const store = await open<Union>()
  const session = store.session('a')
  expectTypeOf(session).toEqualTypeOf<Session<Union>>()
  await session.append({ role: 'user', content: 'x' })
  // @ts-expect-error no such role
  await session.append({ role: 'system', content: 'x' })
  for await (const entry of session.entries({ last: 1 })) expectTypeOf(entry).toEqualTypeOf<Entry<Union>>()
  const [message] = await session.messages()
  if (message?.role === 'tool') expectTypeOf(message.toolCallId).toEqualTypeOf<string>()
  expectTypeOf(await session.context()).toEqualTypeOf<Union[]>()
  expectTypeOf(await session.waiting()).toEqualTypeOf<Entry<Union>[]>()
  const said = await session.turn({ role: 'user', content: 'x' }, async (turn) => {
    expectTypeOf(turn).toEqualTypeOf<Turn<Union>>()
    return turn.input.length
  })
  expectTypeOf(said).toEqualTypeOf<number | undefined>()
  expectTypeOf(await store.fork('a')).toEqualTypeOf<Session<Union>>()
})

test("a message's own id keeps its type", () => {
  expectTypeOf<StoredMessage<UiMessage>['id']>().toEqualTypeOf<string>()
  expectTypeOf<StoredMessage<NumberedMessage>['id']>().toEqualTypeOf<number>()
  expectTypeOf<StoredMessage<Plain>['id']>().toEqualTypeOf<string>()
  expectTypeOf<StoredMessage<UiMessage>['at']>().toEqualTypeOf<string>()
})

test('the type of a session can be given where it is opened', () => {
  const session = (store: SessionStore) => store.session<UiMessage>('a')
  expectTypeOf<ReturnType<typeof session>>().toEqualTypeOf<Session<UiMessage>>()
  expectTypeOf(openStore<Alias>).returns.resolves.toEqualTypeOf<SessionStore<Alias>>()
})

type Nothing = ReturnType<() => void>

/** What each verb of a session returns; `values`, `entries` and `stream` are iterated. */
interface SessionReturns<M extends AnyMessage> {
  append: string[]
  receive: Received
  replace: string
  abort: boolean
  waiting: Entry<M>[]
  context: M[]
  entries: AsyncIterableIterator<Entry<M>>
  messages: StoredMessage<M>[]
  tail: StoredMessage<M>[]
  stream: AsyncGenerator<StoredMessage<M>>
  remove: number
  removeLast: boolean
  pop: StoredMessage<M> | undefined
  clear: number
  trim: number
  rewind: number
  removed: RemovedMessage[]
  restore: string[]
  exists: boolean
  usage: Usage
  ownUsage: Map<string, Usage>
  stats: SessionStats | null
  info: SessionInfo | null
  name: string | null
  setName: Nothing
  tags: string[]
  tag: Nothing
  untag: Nothing
  getMetadata: Json
  metadata: Record<string, Json>
  setMetadata: Nothing
  setValue: boolean
  setValues: Nothing
  deleteValue: boolean
  values: AsyncGenerator<[name: string, value: Value | undefined]>
  state: RunState | null
  setState: Nothing
  rewrite: RewriteResult | null
  merge: MergeResult
  check: CheckReport | null
  trash: string | null
  delete: boolean
}
type ReturnsOfSession<M extends AnyMessage> = {
  [Verb in keyof SessionReturns<M>]: Awaited<ReturnType<Session<M>[Verb]>>
}

test('every verb of a session returns what it says, for each type of messages', () => {
  expectTypeOf<ReturnsOfSession<Plain>>().toEqualTypeOf<SessionReturns<Plain>>()
  expectTypeOf<ReturnsOfSession<Alias>>().toEqualTypeOf<SessionReturns<Alias>>()
  expectTypeOf<ReturnsOfSession<Union>>().toEqualTypeOf<SessionReturns<Union>>()
  expectTypeOf<ReturnsOfSession<UIMessage>>().toEqualTypeOf<SessionReturns<UIMessage>>()
  expectTypeOf<ReturnsOfSession<ModelMessage>>().toEqualTypeOf<SessionReturns<ModelMessage>>()
  expectTypeOf<ReturnsOfSession<ChatCompletionMessageParam>>().toEqualTypeOf<
    SessionReturns<ChatCompletionMessageParam>
  >()
})

test('names that other types have too are aliases of names that say whose they are', () => {
  expectTypeOf<Managed.Session>().toEqualTypeOf<Managed.ManagedSession>()
  expectTypeOf<Managed.SessionMetadata>().toEqualTypeOf<Managed.ManagedSessionMetadata>()
  expectTypeOf<Backend.SessionMetadata>().toEqualTypeOf<Backend.BackendSessionMetadata>()
  expectTypeOf<Persisted.SessionInfo>().toEqualTypeOf<Persisted.PersistedSessionInfo>()
})

/** The verbs that no type stands for in these lists: generic ones, tested one by one below, and properties. */
type Others = 'turn' | 'change' | 'getValue' | 'updateValue' | 'key' | 'path' | 'sidecarPath'

test('no verb of a session is left out', () => {
  expectTypeOf<Exclude<keyof Session, keyof SessionReturns<Plain> | Others>>().toEqualTypeOf<never>()
})

/** Every place where a session takes a message. */
function writes<M extends AnyMessage>(session: Session<M>, message: GivenMessage<M>) {
  return {
    one: () => session.append(message),
    once: () => session.append(message, { once: true }),
    several: () => session.append([message, message] as const),
    receive: () => session.receive(message, { ref: 'x' }),
    replace: () => session.replace('x', message),
    turn: () => session.turn(message, async ({ answer }) => answer),
  }
}

test('every type of messages is accepted where a message is taken, in a store of that type and of none', async () => {
  const store = await open()
  const ui: UIMessage = { id: '1', role: 'user', parts: [{ type: 'text', text: 'x' }] }
  const model: ModelMessage = { role: 'assistant', content: [{ type: 'text', text: 'x' }] }
  const openai: ChatCompletionMessageParam = { role: 'assistant', content: null, tool_calls: [] }
  const plain: Plain = { role: 'user', text: 'x' }
  const alias: Alias = { role: 'user', content: 'x' }
  const union: Union = { role: 'tool', toolCallId: 't', content: null }
  const session = store.session('a')
  for (const calls of [
    writes(session, plain),
    writes(session, alias),
    writes(session, union),
    writes(session, ui),
    writes(session, model),
    writes(session, openai),
    writes(store.session<Plain>('b'), plain),
    writes(store.session<Alias>('b'), alias),
    writes(store.session<Union>('b'), union),
    writes(store.session<UIMessage>('b'), ui),
    writes(store.session<ModelMessage>('b'), model),
    writes(store.session<ChatCompletionMessageParam>('b'), openai),
  ])
    expectTypeOf(await calls.one()).toEqualTypeOf<string>()
  // @ts-expect-error not of the store's type
  await store.session<UIMessage>('b').append({ role: 'user', content: 'x' })
  // @ts-expect-error nor here
  const refused = () => store.session<ModelMessage>('b').replace('x', { role: 'nobody', content: 'x' })
  expectTypeOf(refused).returns.toEqualTypeOf<Promise<string>>()
})

test('changes, values and turns carry the types that they are given', async () => {
  const session = (await open<UIMessage>()).session('a')
  const count = await session.change({ last: 1 }, ({ messages, entries, value }) => {
    expectTypeOf(messages).toEqualTypeOf<StoredMessage<UIMessage>[]>()
    expectTypeOf(entries).toEqualTypeOf<Entry<UIMessage>[]>()
    expectTypeOf(value<number>('n')).toEqualTypeOf<number | undefined>()
    return { result: messages.length }
  })
  expectTypeOf(count).toEqualTypeOf<number>()
  expectTypeOf(await session.getValue('n')).toEqualTypeOf<Value | undefined>()
  expectTypeOf(await session.getValue<number>('n')).toEqualTypeOf<number | undefined>()
  expectTypeOf(await session.updateValue<number>('n', (old) => (old ?? 0) + 1)).toEqualTypeOf<number | undefined>()
  expectTypeOf(await session.turn(() => 'x')).toEqualTypeOf<string>()
  expectTypeOf(await session.append({ id: '1', role: 'user', parts: [] })).toEqualTypeOf<string>()
  expectTypeOf(session.key).toEqualTypeOf<string>()
  expectTypeOf(session.path).toEqualTypeOf<string>()
})

interface StoreReturns<M extends AnyMessage> {
  session: Session<M>
  keys: string[]
  list: SessionInfo[]
  check: StoreCheck
  rewriteAll: RewriteAllResult
  waiting: AsyncGenerator<Session<M>>
  running: RunningSession[]
  search: SearchHit[]
  makeIndex: { sessions: number; bytes: number }
  dropIndex: number
  fork: Session<M>
  watch: Watcher
  recover: RecoverReport
  cleanup: CleanupResult
  trash: TrashEntry[]
  restore: string
  quarantine: QuarantineEntry[]
  takeBack: MergeResult & { key: string }
  merge: MergeResult & { key: string }
  purgeTrash: PurgeTrashResult
  close: Nothing
  now: number
}
type ReturnsOfStore<M extends AnyMessage> = {
  [Verb in Exclude<keyof StoreReturns<M>, 'session'>]: Awaited<ReturnType<SessionStore<M>[Verb]>>
} & { session: Session<M> }

test('every verb of a store returns what it says', () => {
  expectTypeOf<ReturnsOfStore<UIMessage>>().branded.toEqualTypeOf<StoreReturns<UIMessage>>()
  expectTypeOf<SessionStore['hold']>().toBeCallableWith(() => 1)
  expectTypeOf((store: SessionStore) => store.hold(() => 1)).returns.resolves.toEqualTypeOf<number>()
  expectTypeOf<SessionStore<Union>['session']>().toBeCallableWith('a')
  expectTypeOf<WaitOptions['signal']>().toEqualTypeOf<AbortSignal | undefined>()
  expectTypeOf<SessionStore>().toExtend<AsyncDisposable>()
  expectTypeOf<Watcher>().toExtend<AsyncDisposable>()
})

test('the events of a store and of a watcher have types', async () => {
  const store = await open()
  store.on('damage', (report) => expectTypeOf(report.damage[0]?.line).toEqualTypeOf<number | undefined>())
  store.on('lost', (report) => expectTypeOf(report.messages).toEqualTypeOf<number>())
  store.on('error', (error, key) => {
    expectTypeOf(error).toEqualTypeOf<unknown>()
    expectTypeOf(key).toEqualTypeOf<string>()
  })
  const watcher = store.watch()
  watcher.on('stuck', (event) => expectTypeOf(event.runningMs).toEqualTypeOf<number>())
  await watcher.close()
})
