/** Messages as a chat bot has them. With an id and a time each makes a line of about 400 bytes. */
import { random } from './statistics.mjs'

const CONTENT_CHARACTERS = 240
const DIFFERENT = 4096

const words = vocabulary(3000)
const pool = Array.from({ length: DIFFERENT }, (_, i) => message(i, random(i)))

/** Message number `i` of any session. */
export function messageAt(i) {
  return pool[i % DIFFERENT]
}

/** Messages `from` up to, not including, `to`. */
export function messages(from, to) {
  return Array.from({ length: to - from }, (_, i) => messageAt(from + i))
}

/** Keys that every competitor can use as file names. */
export function keys(count) {
  return Array.from({ length: count }, (_, i) => `telegram_user${i}`)
}

function message(i, rand) {
  return {
    role: i % 2 === 0 ? 'user' : 'assistant',
    content: sentence(rand),
    meta: { model: `m-${i % 3}`, tokens: 50 + (i % 97) },
  }
}

function sentence(rand) {
  let text = ''
  while (text.length < CONTENT_CHARACTERS) {
    // frequent words are far more frequent than rare ones, as in speech
    const word = words[Math.floor(words.length ** rand()) - 1]
    text += (text === '' ? '' : rand() < 0.08 ? '. ' : ' ') + word
  }
  return text.slice(0, CONTENT_CHARACTERS)
}

function vocabulary(count) {
  const rand = random(777)
  const one = (letters) => letters[Math.floor(rand() * letters.length)]
  const made = new Set()
  while (made.size < count) {
    let word = ''
    for (let syllables = 1 + Math.floor(rand() * 4); syllables > 0; syllables--) {
      word += one('bcdfghjklmnprstvwz') + one('aeiou') + (rand() < 0.3 ? one('bcdfghjklmnprstvwz') : '')
    }
    made.add(word)
  }
  return [...made]
}
