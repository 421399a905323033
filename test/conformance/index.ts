/**
 * The conformance suites: each is a function that takes a test framework and a way to open an implementation.
 * @module contracts/conformance
 */
export type { Framework } from './framework.js'
export { type OpenedPersistence, type PersistenceSuite, testPersistence } from './persistence.js'
export { type OpenedRuntime, type RuntimePersistenceSuite, testRuntimePersistence } from './runtime-persistence.js'
export { type OpenedBackend, type SessionBackendSuite, testSessionBackend } from './session-backend.js'
export { type OpenedManager, type SessionManagerSuite, testSessionManager } from './session-manager.js'
