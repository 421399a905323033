import { describe, expect, test } from 'vitest'
import { examplesOf, runExample } from '../helpers/example.js'

describe('the README of the adapters', () => {
  test.each(examplesOf('src/adapters/README.md'))('example $# prints what it says', ({ code, output }) => {
    expect(runExample(code)).toBe(output)
  })
})
