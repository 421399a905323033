// Runs command lines one after the other in this process: commands.mjs MAIN JSON, a list of lists of arguments.
// Prints [{ code, out, err }] of each.
import { pathToFileURL } from 'node:url'

const [main, lines] = process.argv.slice(2)
const { runCommandLine } = await import(new URL('command-line.js', pathToFileURL(main)))
const write = process.stdout.write.bind(process.stdout)
const ends = []
for (const args of JSON.parse(lines)) {
  const written = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'])
    process[stream].setMaxListeners(0).write = (text) => {
      written[stream] += text
      return true
    }
  process.argv = [process.argv[0], main, ...args]
  process.exitCode = 0
  await runCommandLine(main)
  ends.push({ code: process.exitCode, out: written.stdout, err: written.stderr })
}
process.exitCode = 0
write(JSON.stringify(ends))
