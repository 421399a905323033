import { describe, test } from 'vitest'
import { JsonlPersistence } from '../../../src/contracts/persistence/index.js'
import { JsonlSessionBackend } from '../../../src/contracts/session-backend/index.js'
import { JsonlSessionManager } from '../../../src/contracts/session-manager/index.js'
import { openStore } from '../../../src/index.js'
import { testSessionManager } from '../../conformance/index.js'

testSessionManager({
  describe,
  test,
  async open(dir, options) {
    const store = await openStore(dir, options)
    return {
      manager: new JsonlSessionManager(store),
      backend: new JsonlSessionBackend(store),
      persistence: new JsonlPersistence(store),
      async rewrite(key) {
        await store.session(key).rewrite()
      },
      close: () => store.close(),
    }
  },
})
