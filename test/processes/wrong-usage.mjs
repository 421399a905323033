// Gives each command an option that it does not have, one after the other: wrong-usage.mjs MAIN COMMAND ...
// Prints [command, exit code, output, errors] of each.
import { pathToFileURL } from 'node:url'

const [main, ...commands] = process.argv.slice(2)
const { runCommandLine } = await import(new URL('command-line.js', pathToFileURL(main)))
const write = process.stdout.write.bind(process.stdout)
const ends = []
for (const name of commands) {
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'])
    process[stream].setMaxListeners(0).write = (text) => {
      said[stream] += text
      return true
    }
  process.argv = [process.argv[0], main, name, '--nonsense']
  process.exitCode = 0
  await runCommandLine(main)
  ends.push([name, process.exitCode, said.stdout, said.stderr])
}
process.exitCode = 0
write(JSON.stringify(ends))
