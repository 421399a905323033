/** The type errors of programs that documents show. */
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Where the sources of the modules are that package.json exports. */
const MODULES = {
  'jsonl-sessions': ['./src/index.ts'],
  'jsonl-sessions/import-export': ['./src/formats/index.ts'],
  'jsonl-sessions/viewer': ['./src/viewer/index.ts'],
  'jsonl-sessions/conformance': ['./test/conformance/index.ts'],
  'jsonl-sessions/*': ['./src/contracts/*/index.ts'],
}

/** JavaScript cannot give the types of parameters; all else is strict. */
const OPTIONS: ts.CompilerOptions = {
  strict: true,
  noImplicitAny: false,
  noEmit: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ['node'],
  baseUrl: root,
  paths: MODULES,
}

/** Compiles the texts in one program, each as a module of its name in test/; returns what is wrong with them. */
export function typeErrorsIn(texts: ReadonlyMap<string, string>): string[] {
  const files = new Map([...texts].map(([name, text]) => [path.join(root, 'test', name), text]))
  const host = ts.createCompilerHost(OPTIONS)
  const { fileExists, readFile } = host
  host.fileExists = (file) => files.has(file) || fileExists(file)
  host.readFile = (file) => files.get(file) ?? readFile(file)
  const getSourceFile = host.getSourceFile
  host.getSourceFile = (file, language, ...rest) => {
    const text = files.get(file)
    return text === undefined ? getSourceFile(file, language, ...rest) : ts.createSourceFile(file, text, language, true)
  }
  const program = ts.createProgram([...files.keys()], OPTIONS, host)
  return [...files.keys()].flatMap((file) => {
    const source = program.getSourceFile(file)
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map((one) => {
      const { line } = ts.getLineAndCharacterOfPosition(one.file as ts.SourceFile, one.start ?? 0)
      return `${path.basename(file)}:${line + 1}: ${ts.flattenDiagnosticMessageText(one.messageText, ' ')}`
    })
  })
}

/** Each block of a document in this language. */
export function blocksOf(file: string, language: string): string[] {
  const text = fs.readFileSync(path.join(root, file), 'utf8')
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, code = '']) => code)
}
