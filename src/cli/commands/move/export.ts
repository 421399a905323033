import { basename, join } from 'node:path'
import { EXPORT_FORMATS, type ExportFormat, exportSession } from '../../../formats/index.js'
import type { SessionStore } from '../../../index.js'
import { exitCodeOfAll } from '../../exit-code.js'
import { findKeys } from '../../find-key.js'
import { escapeLine } from '../../terminal/escape.js'
import { count } from '../../terminal/format.js'
import { complain, describe, note, printBytes } from '../../terminal/output.js'
import { showingWork } from '../../terminal/progress.js'
import { isFolderThere, replaceStreamed } from '../../user-files.js'
import { type GlobalOptions, readExistingStore } from '../../with-store.js'

export interface ExportCommandOptions extends GlobalOptions {
  format: ExportFormat
  output?: string
  all?: boolean
  context?: boolean
}

export { EXPORT_FORMATS }

const ENDINGS: Record<ExportFormat, string> = {
  markdown: '.md',
  html: '.html',
  jsonl: '.jsonl',
  openai: '.jsonl',
  sharegpt: '.jsonl',
}

/** Formats of which a file holds one session. */
const ONE_EACH: ReadonlySet<ExportFormat> = new Set(['markdown', 'html'])

export async function exportSessions(given: readonly string[], options: ExportCommandOptions): Promise<number> {
  const { root, format, output, all } = options
  return readExistingStore(root, async (store) => {
    const { keys, missing } = all ? { keys: await store.keys(), missing: 0 } : await findKeys(store, given)
    const isFolder = output !== undefined && (await isFolderThere(output))
    if (ONE_EACH.has(format) && keys.length > 1 && !isFolder) {
      complain(`${format} is one file a session: name a folder that exists with -o`)
      return 2
    }
    let bad = 0
    let begun = 0
    const onBegin = () => begun++
    const parts = (some: readonly string[]) => piecesOf(store, some, options, { onBegin, onBad: () => bad++ })
    if (output === undefined) {
      for await (const bytes of parts(keys)) if (!(await printBytes(bytes))) break
    } else {
      const write = async () => {
        if (!isFolder) return replaceStreamed(output, parts(keys))
        for (const key of keys) {
          const name = basename(store.session(key).path, '.jsonl')
          await replaceStreamed(join(output, name + ENDINGS[format]), parts([key]))
        }
      }
      await showingWork(() => `${begun} of ${count(keys.length, 'session')}`, write())
    }
    return exitCodeOfAll({ failed: bad, missing })
  })
}

async function* piecesOf(
  store: SessionStore,
  keys: readonly string[],
  { format, context }: ExportCommandOptions,
  { onBegin, onBad }: { onBegin: () => void; onBad: () => void },
): AsyncGenerator<Uint8Array> {
  for (const key of keys) {
    onBegin()
    const session = store.session(key)
    try {
      yield* exportSession(session, format, {
        context,
        onBad: ({ offset, reason }) => {
          onBad()
          note(`${escapeLine(session.path)}: ${reason} at byte ${offset}`)
        },
        onLeftOut: (what) => note(`${escapeLine(key)}: ${escapeLine(what)} has no place in ${format}, left out`),
      })
    } catch (error) {
      // one that was deleted meanwhile, or cannot be read, does not stop the others
      if (keys.length === 1) throw error
      onBad()
      complain(`${escapeLine(key)}: ${describe(error)}`)
    }
  }
}
