// Types of the adapters, each where only one of its frameworks is installed.
import fs from 'node:fs'
import path from 'node:path'
import ts from 'typescript'

/** For each adapter its framework, with what comes with that; two where either of them is enough. */
const FRAMEWORKS = {
  'ai-sdk': [['ai']],
  bolt: [['@slack/bolt']],
  botbuilder: [['botbuilder'], ['@microsoft/agents-hosting']],
  'chat-sdk': [['chat']],
  'claude-agent-sdk': [['@anthropic-ai/claude-agent-sdk']],
  'express-session': [['express-session', '@types/express-session']],
  grammy: [['grammy']],
  keyv: [['keyv']],
  langchain: [['@langchain/core']],
  // its framework needs the other one
  langgraph: [['@langchain/langgraph-checkpoint', '@langchain/core']],
  'openai-agents': [['@openai/agents']],
  telegraf: [['telegraf']],
  unstorage: [['unstorage']],
}

const RESOLUTIONS = {
  nodenext: { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
  bundler: { module: ts.ModuleKind.ES2022, moduleResolution: ts.ModuleResolutionKind.Bundler },
}

/**
 * Compiles a program for each adapter in `dir`, where the package is installed; the frameworks are those of `root`.
 * @throws Error with what the compiler says of the program or of the package's own declarations
 */
export function checkAdapterTypes(dir, root, adapters) {
  for (const [resolution, options] of Object.entries(RESOLUTIONS)) {
    const compile = compilerOf(dir, { ...options, typeRoots: [path.join(root, 'node_modules/@types')] })
    for (const adapter of adapters) {
      const file = path.join(dir, `${adapter}.ts`)
      fs.writeFileSync(file, `export * from 'jsonl-sessions/adapters/${adapter}'\n`)
      for (const packages of FRAMEWORKS[adapter]) {
        const errors = linked(dir, root, packages, () => compile(file))
        if (errors.length > 0)
          throw new Error(`${adapter} with ${packages[0]} alone, ${resolution}:\n${errors.join('\n')}`)
      }
    }
  }
}

/** The compiler's errors in a file and in the declarations of the package. Files are parsed once. */
function compilerOf(dir, given) {
  const options = { strict: true, noEmit: true, target: ts.ScriptTarget.ES2023, types: ['node'], ...given }
  const host = ts.createCompilerHost(options)
  const parse = host.getSourceFile
  const parsed = new Map()
  host.getSourceFile = (file, ...others) => {
    if (!parsed.has(file)) parsed.set(file, parse.call(host, file, ...others))
    return parsed.get(file)
  }
  const own = path.join(dir, 'node_modules/jsonl-sessions')
  return (file) => {
    const program = ts.createProgram([file], options, host)
    const files = program.getSourceFiles().filter(({ fileName }) => fileName === file || fileName.startsWith(own))
    if (files.length < 2) throw new Error(`${file} does not find the package`)
    const errors = [
      ...program.getGlobalDiagnostics(),
      ...files.flatMap((one) => ts.getPreEmitDiagnostics(program, one)),
    ]
    return errors.map((one) => `${one.file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(one.messageText, '\n')}`)
  }
}

/** While the packages, and no other frameworks, are there. */
function linked(dir, root, packages, work) {
  const links = packages.map((name) => path.join(dir, 'node_modules', name))
  for (const [i, link] of links.entries()) {
    fs.mkdirSync(path.dirname(link), { recursive: true })
    fs.symlinkSync(path.join(root, 'node_modules', packages[i]), link)
  }
  try {
    return work()
  } finally {
    for (const link of links) fs.rmSync(link)
  }
}
