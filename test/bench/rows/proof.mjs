import assert from 'node:assert/strict'

/** `messages` end with exactly `expected`, but for what a store adds to each. */
export function assertEndsWith(messages, expected) {
  const bare = ({ role, content, meta }) => ({ role, content, meta })
  assert.deepEqual(messages.slice(-expected.length).map(bare), expected.map(bare))
}
