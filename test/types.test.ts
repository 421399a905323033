/** What the types of the public API accept and return: `npm run test:types` checks them. */
import { expectTypeOf, test } from 'vitest'
import type { Entry, Session, SessionStore, StoredMessage, Turn } from '../src/index.js'
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
