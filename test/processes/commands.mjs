// Runs command lines of a build one after the other, each as a process of its own would: commands.mjs MAIN
// Takes messages { args, env, cwd, input }, and sends { code, out, err } for each.
import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'

const [program, , main] = process.argv
const { runCommandLine } = await import(new URL('command-line.js', pathToFileURL(main)))
const ownEnv = { ...process.env }
const ownFolder = process.cwd()
const written = { stdout: [], stderr: [] }
process.setMaxListeners(0)
for (const stream of ['stdout', 'stderr'])
  process[stream].setMaxListeners(0).write = (chunk, ...rest) => {
    written[stream].push(Buffer.from(chunk))
    const done = rest.at(-1)
    if (typeof done === 'function') process.nextTick(done)
    return true
  }

process.on('message', async ({ args, env, cwd, input }) => {
  for (const name of Object.keys(process.env)) if (ownEnv[name] === undefined) delete process.env[name]
  Object.assign(process.env, ownEnv, env)
  if (cwd !== undefined) process.chdir(cwd)
  Object.defineProperty(process, 'stdin', { value: Readable.from([Buffer.from(input)]), configurable: true })
  process.argv = [program, main, ...args]
  process.exitCode = undefined
  for (const chunks of Object.values(written)) chunks.length = 0
  await runCommandLine(main)
  process.chdir(ownFolder)
  const [out, err] = Object.values(written).map((chunks) => Buffer.concat(chunks).toString())
  process.send({ code: process.exitCode ?? 0, out, err })
})
process.on('disconnect', () => process.exit(0))
