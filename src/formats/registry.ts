/** All formats that can be imported, in the order of `--list-formats`. */

import { exported } from './shared/exported.js'
import type { Format } from './shared/format.js'
import { roleLines, zeroclaw } from './shared/role-lines.js'
import { aider } from './tools/aider.js'
import { chatgpt } from './tools/chatgpt.js'
import { claudeCode } from './tools/claude-code.js'
import { cline, rooCode } from './tools/cline.js'
import { codex } from './tools/codex.js'
import { geminiDocument, geminiLines } from './tools/gemini-cli.js'
import { gooseDocument, gooseLines } from './tools/goose.js'
import { langchain } from './tools/langchain.js'
import { llm } from './tools/llm.js'
import { nanobot } from './tools/nanobot.js'
import { openAiChat } from './tools/openai-chat.js'
import { opencodeDocument, opencodeFolder } from './tools/opencode.js'
import { openclawFile, pi } from './tools/pi.js'
import { sharegpt } from './tools/sharegpt.js'
import { slack } from './tools/slack.js'
import { telegram } from './tools/telegram.js'
import { whatsapp } from './tools/whatsapp.js'

export const FORMATS: readonly Format[] = [
  claudeCode,
  codex,
  pi,
  openclawFile,
  geminiLines,
  geminiDocument,
  opencodeDocument,
  opencodeFolder,
  gooseLines,
  gooseDocument,
  cline,
  rooCode,
  aider,
  nanobot,
  zeroclaw,
  roleLines,
  llm,
  chatgpt,
  openAiChat,
  sharegpt,
  langchain,
  telegram,
  slack,
  whatsapp,
  exported,
]

/** Name and title of each format; several shapes of one tool are one format. */
export function formatNames(): Array<{ name: string; title: string }> {
  return [...new Map(FORMATS.map(({ name, title }) => [name, { name, title }])).values()]
}
