/** Runs the command that the arguments of the process name, and sets its exit code. */
import { exitCodeFor } from './exit-code.js'
import { CommanderError } from './program/commander.js'
import { buildProgram } from './program/index.js'
import { escapeLine } from './terminal/escape.js'
import { complain, describe, watchOutput } from './terminal/output.js'

const WRONG_USAGE = 2

/** `main` is the path of the program. */
export async function runCommandLine(main: string): Promise<void> {
  watchOutput()

  // Set but empty is not set.
  if (process.env.JSONL_SESSIONS_ROOT === '') delete process.env.JSONL_SESSIONS_ROOT

  const program = buildProgram((exitCode) => {
    // Output that could not be written has set one already.
    if (exitCode !== 0) process.exitCode = exitCode
  }, main)

  for (const command of [program, ...program.commands.flatMap((one) => [one, ...one.commands])]) {
    command.exitOverride().configureOutput({
      // Commander's own words on one line, under our name.
      outputError: (text) =>
        complain(
          escapeLine(
            text
              .trim()
              .replace(/^error: /, '')
              .replace(/\s*\n\s*/g, ' '),
          ),
        ),
    })
  }

  try {
    await program.parseAsync()
  } catch (error) {
    // help is no error, and wrong usage has been reported already
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : WRONG_USAGE
    else {
      complain(describe(error))
      process.exitCode = exitCodeFor(error)
    }
  }
}
