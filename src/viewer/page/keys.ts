/** Keys of the page: single letters, where no field has the focus. */

type Keys = Readonly<Record<string, () => void>>

export function onKeys(keys: Keys): () => void {
  const listener = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isField(event.target)) return
    const act = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined
    if (act === undefined) return
    event.preventDefault()
    act()
  }
  addEventListener('keydown', listener)
  return () => removeEventListener('keydown', listener)
}

function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.matches('input, select, textarea') || target.isContentEditable)
}

export const KEYS: ReadonlyArray<[string, string]> = [
  ['/', 'search all messages'],
  ['j k', 'next, previous message'],
  ['[ ]', 'the session before, behind in the list'],
  ['e', 'expand all, or collapse all'],
  ['t', 'show or hide thinking'],
  ['r', 'the raw line of the message'],
  ['?', 'this help'],
]
