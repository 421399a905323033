#!/usr/bin/env node
/** The program: it lets Node keep what it compiles, and loads the command line. */
import module from 'node:module'
import { fileURLToPath } from 'node:url'

// from Node 22.1 on; a command then takes about a tenth less processor time
if ('enableCompileCache' in module && typeof module.enableCompileCache === 'function') module.enableCompileCache()

const { runCommandLine } = await import('./command-line.js')
await runCommandLine(fileURLToPath(import.meta.url))
