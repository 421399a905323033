/** Which lines an edit took out and put in: what both texts begin and end with stands around it, a few lines of each. */
import { element, type Node } from './nodes.js'

const AROUND = 3

export function lineDiff(before: string, after: string): Node {
  const [a, b] = [before.split('\n'), after.split('\n')]
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head++
  let tail = 0
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++
  const same = (lines: string[]) => lines.map((line) => element('span', { class: 'same' }, `  ${line}\n`))
  return element(
    'pre',
    { class: 'diff', tabindex: '0' },
    ...same(a.slice(Math.max(0, head - AROUND), head)),
    ...a.slice(head, a.length - tail).map((line) => element('del', {}, `- ${line}\n`)),
    ...b.slice(head, b.length - tail).map((line) => element('ins', {}, `+ ${line}\n`)),
    ...same(a.slice(a.length - tail, a.length - tail + AROUND)),
  )
}
