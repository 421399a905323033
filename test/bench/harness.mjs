/**
 * Runs the contestants of one row in turns, so that a slow moment of the machine meets all of them. Each has a
 * process of its own, so that none pays for the garbage, the compiled code or the background work of another.
 */
import { fork } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { median, quantile, random, shuffled } from './statistics.mjs'

/**
 * Measures `row` of the rows of `size`; returns `[{name, as, operations, median, min, max, cpu, p50, p99, kinds, figures}]`,
 * times in µs; the worst of each of the contestant's own figures stands beside them, too.
 * `cpu` is the processor time of all threads, which a busy machine changes less than the time that passes.
 * What a row is stands in rows/index.mjs.
 */
export async function measure(row, { size, dir, repetitions, milliseconds, seed = 1 }) {
  const running = row.contestants.map(({ name, as }, place) => new Contestant(row, { size, name, as, dir, place }))
  try {
    for (const one of running) await one.ask('start')
    for (const one of running) one.operations = await one.ask('warmUp', milliseconds)
    for (const one of running) await one.prove()
    const rand = random(seed)
    for (let repetition = 1; repetition <= Math.min(repetitions, row.most ?? repetitions); repetition++) {
      for (const one of shuffled(running, rand)) one.note(await one.ask('repeat', repetition))
    }
    for (const one of running) await one.prove()
    return running.map((one) => one.summary())
  } finally {
    for (const one of running) await one.end()
  }
}

class Contestant {
  operations = 0
  #samples = []
  #cpu = []
  #latencies = {}
  #figures = {}

  constructor(row, { size, name, as, dir, place }) {
    this.name = name
    this.as = as
    this.folder = path.join(dir, `${row.name}-${place}`)
    fs.mkdirSync(this.folder)
    const file = path.join(import.meta.dirname, 'runner.mjs')
    this.process = fork(file, [size, row.name, name, this.folder], { execArgv: ['--expose-gc'] })
    this.gone = new Promise((resolve) => this.process.once('exit', resolve))
  }

  async ask(command, argument) {
    const reply = new Promise((resolve) => this.process.once('message', resolve))
    this.process.send({ command, argument })
    const { answer, error } = await Promise.race([reply, this.gone.then((code) => ({ error: `exit code ${code}` }))])
    if (error !== undefined) throw new Error(`${this.name}, ${command}: ${error}`)
    return answer
  }

  async prove() {
    await this.ask('prove')
  }

  note({ sample, cpu, latencies, figures }) {
    this.#samples.push(sample)
    if (cpu !== undefined) this.#cpu.push(cpu)
    for (const [kind, took] of Object.entries(latencies)) {
      this.#latencies[kind] = (this.#latencies[kind] ?? []).concat(took)
    }
    for (const [name, value] of Object.entries(figures)) {
      this.#figures[name] = Math.max(value, this.#figures[name] ?? value)
    }
  }

  summary() {
    const { name, as, operations } = this
    const samples = this.#samples
    const kinds = Object.entries(this.#latencies).map(([kind, took]) => [
      kind,
      { p50: quantile(took, 0.5), p99: quantile(took, 0.99) },
    ])
    const figures = { median: median(samples), min: Math.min(...samples), max: Math.max(...samples) }
    if (this.#cpu.length > 0) figures.cpu = median(this.#cpu)
    const byKind = Object.fromEntries(kinds)
    const own = this.#figures
    return { name, as, operations, ...figures, ...byKind.operation, ...own, kinds: byKind, figures: own }
  }

  async end() {
    if (this.process.connected) this.process.disconnect()
    await this.gone
    fs.rmSync(this.folder, { recursive: true, force: true })
  }
}
