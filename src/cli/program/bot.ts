/** The command that serves an inbox. */
import type { BotOptions } from '../commands/bot.js'
import type { Command } from './commander.js'
import { atLeastOne, notEmpty, seconds, wrongUrl } from './values.js'

export function addBotCommand(program: Command, finish: (exitCode: number) => void): void {
  program
    .command('bot')
    .description('serve an inbox: JSON lines {sender, text, reply?} in, {sender, reply, turn} out')
    .argument('[file]', 'the inbox; - is standard input, the default when it is a pipe')
    .option('--default <file>', 'the inbox when none is named', notEmpty)
    .option('--concurrency <n>', 'senders served at once', atLeastOne, 8)
    .option('--base-url <url>', 'OpenAI-compatible endpoint that answers lines without reply, up to /chat/completions')
    .option('--model <name>', 'model that the endpoint is to use', notEmpty)
    .option('--system <text>', 'system message that the model gets first')
    .option('--history <n>', 'messages of the conversation that the model gets to see', atLeastOne, 100)
    .option('--timeout <seconds>', 'how long the endpoint may take for an answer', seconds, 60)
    .option('--json', 'the summary on standard error as one JSON object')
    .option('-q, --quiet', 'neither greeting nor summary')
    .addHelpText(
      'after',
      '\nReplies go to standard output, a line each, as turns end; the rest goes to standard error.' +
        '\nWithout --base-url a built-in responder answers, offline.' +
        "\nThe endpoint's key is taken from JSONL_SESSIONS_API_KEY or OPENAI_API_KEY.",
    )
    .action(async (file: string | undefined, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<BotOptions>()
      if ((options.baseUrl === undefined) !== (options.model === undefined)) {
        command.error('--base-url and --model need each other')
      }
      const wrong = options.baseUrl === undefined ? undefined : wrongUrl(options.baseUrl)
      if (wrong !== undefined) command.error(`--base-url ${wrong}`)
      const name = file ?? options.default ?? (process.stdin.isTTY ? undefined : '-')
      if (name === undefined || name === '') command.error('name an inbox file, or pipe one in')
      const { bot } = await import('../commands/bot.js')
      finish(await bot(name, options))
    })
}
