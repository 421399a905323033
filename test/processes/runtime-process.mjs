// Another process with one runtime's state: runtime-process.mjs FOLDER race ROUNDS NAME | FOLDER commit|vacuum|gc COPIES
import fs from 'node:fs'
import { openStore } from '../../dist/lib/index.js'
import { JsonlRuntimePersistence } from '../../dist/lib/runtime-persistence.js'

const [folder, way, number, name] = process.argv.slice(2)
const store = await openStore(folder)
const runtime = new JsonlRuntimePersistence(store, 'alpha')
const config = { providerId: 'p', configuredModel: 'm', contextWindow: 0 }

function commit(expectedHeadRevision, id) {
  return runtime.commitRuntimeState({
    sessionId: 'alpha',
    expectedHeadRevision,
    config,
    graph: { kind: 'append', nodes: [{ nodeId: id, timestamp: 't', kind: 'event', event: id }], leafNodeId: id },
    checkpoint: { executionState: Buffer.from(id), toolState: { generation: 1, tools: { id } } },
    usageDeltas: [{ source: 'turn', model: 'm', usage: { inputTokens: 1 } }],
  })
}

/**
 * Copies the store right before each call that changes something in it, to `copies` and the number of the call: what
 * the death of this process alone leaves at that moment. Returns how many there are so far.
 */
function copyBeforeEach(copies) {
  let count = 0
  let copying = false
  const names = ['writeSync', 'fsync', 'fsyncSync', 'renameSync', 'linkSync', 'unlinkSync', 'mkdirSync', 'rmSync']
  for (const call of names) {
    const original = fs[call]
    fs[call] = (...args) => {
      if (!copying && !String(args[0]).includes('.locks')) {
        copying = true
        fs.cpSync(folder, `${copies}${++count}`, { recursive: true, preserveTimestamps: true })
        copying = false
      }
      return original.apply(fs, args)
    }
  }
  return () => count
}

if (way === 'race') {
  const wins = []
  process.send('ready')
  process.on('message', async (revision) => {
    try {
      wins.push((await commit(revision, `${name}-${revision}`)).headRevision)
      process.send({ won: true })
    } catch (error) {
      process.send({ won: false, code: error.code, details: error.details })
    }
    if (revision === Number(number)) {
      await store.close()
      process.disconnect()
    }
  })
} else {
  const head = await runtime.loadSession({ kind: 'activePath' })
  const steps = copyBeforeEach(number)
  if (way === 'commit') await commit(head?.headRevision ?? null, 'new')
  else if (way === 'vacuum') await runtime.vacuum()
  else await runtime.gcUnreachable()
  process.send(steps(), () => process.kill(process.pid, 'SIGKILL'))
}
