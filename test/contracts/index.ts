/** The conformance suites: each is a function that takes a test framework and a way to open an implementation. */
export type { Framework } from './framework.js'
export { type OpenedBackend, type SessionBackendSuite, testSessionBackend } from './session-backend.js'
