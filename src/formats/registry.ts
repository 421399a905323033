/** All formats that can be imported, in the order of `--list-formats`. */
import { aider } from './aider.js'
import { chatgpt } from './chatgpt.js'
import { claudeCode } from './claude-code.js'
import { cline, rooCode } from './cline.js'
import { codex } from './codex.js'
import { geminiDocument, geminiLines } from './gemini-cli.js'
import { gooseDocument, gooseLines } from './goose.js'
import { langchain } from './langchain.js'
import { llm } from './llm.js'
import { nanobot } from './nanobot.js'
import { openAiChat } from './openai-chat.js'
import { opencodeDocument, opencodeFolder } from './opencode.js'
import { openclawFile, pi } from './pi.js'
import { exported } from './shared/exported.js'
import type { Format } from './shared/format.js'
import { roleLines, zeroclaw } from './shared/role-lines.js'
import { sharegpt } from './sharegpt.js'
import { slack } from './slack.js'
import { telegram } from './telegram.js'
import { whatsapp } from './whatsapp.js'

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
