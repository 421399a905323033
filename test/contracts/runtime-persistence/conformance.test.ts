import { describe, test } from 'vitest'
import { JsonlRuntimePersistence } from '../../../src/contracts/runtime-persistence/index.js'
import { JsonlSessionBackend } from '../../../src/contracts/session-backend/index.js'
import { openStore } from '../../../src/index.js'
import { testRuntimePersistence } from '../../conformance/index.js'

testRuntimePersistence({
  describe,
  test,
  async open(dir, key, options) {
    const store = await openStore(dir, options)
    return {
      runtime: new JsonlRuntimePersistence(store, key),
      backend: new JsonlSessionBackend(store),
      async rewrite() {
        await store.session(key).rewrite()
      },
      close: () => store.close(),
    }
  },
})
