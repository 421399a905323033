import { describe, test } from 'vitest'
import { JsonlPersistence } from '../../../src/contracts/persistence/index.js'
import { JsonlSessionBackend } from '../../../src/contracts/session-backend/index.js'
import { openStore } from '../../../src/index.js'
import { testPersistence } from '../../conformance/index.js'

testPersistence({
  describe,
  test,
  async open(dir, options) {
    const store = await openStore(dir, options)
    return {
      persistence: new JsonlPersistence(store),
      backend: new JsonlSessionBackend(store),
      async rewrite(key) {
        await store.session(key).rewrite()
      },
      close: () => store.close(),
    }
  },
})
