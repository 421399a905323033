/** What may be changed with `--allow-write`: each change is confirmed with the name of its session. */
import type { Change, SessionFacts } from '../../api/shapes.js'
import { label } from '../format.js'
import { Failure } from '../parts.js'
import { base, go } from '../place.js'
import { change } from '../server.js'
import { useState } from '../ui.js'

export function Actions({ facts, done }: { facts: SessionFacts; done: () => void }) {
  const [error, setError] = useState<unknown>()
  const { key, name, tags, state } = facts
  const title = label(name ?? key)
  const apply = async (given: Change, question: string, after = done) => {
    if (!confirm(`${question}\n\nSession: ${title}\nKey: ${label(key)}`)) return
    try {
      await change(given)
      setError(undefined)
      after()
    } catch (failed) {
      setError(failed)
    }
  }
  return (
    <details class="actions">
      <summary>Change</summary>
      <button
        type="button"
        onClick={() => {
          const next = prompt('Name of the session; empty for none', name ?? '')
          if (next !== null) void apply({ do: 'rename', key, name: next === '' ? null : next }, 'Rename the session?')
        }}
      >
        Rename
      </button>
      <button
        type="button"
        onClick={() => {
          const tag = prompt('Tag to add')
          if (tag) void apply({ do: 'tag', key, tag }, `Add the tag ${label(tag)}?`)
        }}
      >
        Add a tag
      </button>
      {tags.map((tag) => (
        <button
          type="button"
          key={tag}
          onClick={() => apply({ do: 'untag', key, tag }, `Remove the tag ${label(tag)}?`)}
        >
          Remove tag {label(tag)}
        </button>
      ))}
      {state === 'running' && (
        <button
          type="button"
          onClick={() => apply({ do: 'end-dead-turn', key }, 'End the turn of a dead process? Nothing is resumed.')}
        >
          End the dead turn
        </button>
      )}
      <button
        type="button"
        onClick={() => apply({ do: 'trash', key }, 'Move the session to the trash?', () => go(`${base}/sessions`))}
      >
        Move to the trash
      </button>
      {error !== undefined && <Failure error={error} />}
    </details>
  )
}
