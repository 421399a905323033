// A worker thread that takes the lease of session a, and then holds its event loop for a while.
import { parentPort, workerData } from 'node:worker_threads'
import { openStore } from '../../dist/lib/index.js'

const store = await openStore(workerData.folder)
await store.session('a').setName('of the thread')
parentPort.postMessage('holds')
const end = performance.now() + workerData.blocks
while (performance.now() < end);
