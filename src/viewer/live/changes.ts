/** What a viewer with `allowWrite` may do: each change is one call of the store, under the lease of its session. Resumes nothing. */

import { isObject } from '../../base/json.js'
import type { SessionStore } from '../../store/store.js'
import { badRequest } from '../api/answers.js'
import type { Change } from '../api/shapes.js'

/** @throws ViewerError ERR_VIEWER_BAD_REQUEST for what is no change */
export function changeOf(body: unknown): Change {
  if (!isObject(body) || typeof body.key !== 'string') throw badRequest('a change is an object {do, key}')
  const { do: what, key } = body
  switch (what) {
    case 'rename':
      if (body.name !== null && typeof body.name !== 'string') throw badRequest('rename needs a name, or null')
      return { do: what, key, name: body.name }
    case 'tag':
    case 'untag':
      if (typeof body.tag !== 'string' || body.tag === '') throw badRequest(`${what} needs a tag`)
      return { do: what, key, tag: body.tag }
    case 'restore':
      if (typeof body.id !== 'string') throw badRequest('restore needs the id of a removed message')
      return { do: what, key, id: body.id }
    case 'end-dead-turn':
    case 'trash':
      return { do: what, key }
    default:
      throw badRequest('no such change')
  }
}

export async function apply(store: SessionStore, change: Change): Promise<void> {
  const session = store.session(change.key)
  // a change of what is not there would make a session
  if ((await session.info()) === null) throw badRequest('there is no such session')
  switch (change.do) {
    case 'rename':
      return session.setName(change.name)
    case 'tag':
      return session.tag([change.tag])
    case 'untag':
      return session.untag([change.tag])
    case 'restore':
      await session.restore(change.id)
      return
    case 'trash':
      await session.trash()
      return
    case 'end-dead-turn': {
      const { runs, failed } = await store.recover({ action: 'error', keys: [change.key] })
      if (failed.length > 0) throw failed[0]?.error
      if (runs.length === 0) throw badRequest('no turn of this session has a dead process')
    }
  }
}
