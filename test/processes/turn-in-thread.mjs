// A worker thread that begins a turn, and then holds its event loop for a while.
import { parentPort, workerData } from 'node:worker_threads'
import { openStore } from '../../dist/lib/index.js'

const store = await openStore(workerData.folder)
await store.session('a').setState('running', 'in the thread', { exclusive: true })
parentPort.postMessage('runs')
await new Promise((resolve) => setTimeout(resolve, 50))
const end = performance.now() + workerData.blocks
while (performance.now() < end);
setInterval(() => {}, 1_000)
