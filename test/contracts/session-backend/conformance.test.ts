import { describe, test, vi } from 'vitest'
import { JsonlSessionBackend } from '../../../src/contracts/session-backend/index.js'
import { openStore } from '../../../src/index.js'
import { testSessionBackend } from '../../conformance/index.js'

vi.setConfig({ testTimeout: 60_000 })

testSessionBackend({
  describe,
  test,
  async open(dir, options) {
    const store = await openStore(dir, options)
    return { backend: new JsonlSessionBackend(store), close: () => store.close() }
  },
})
