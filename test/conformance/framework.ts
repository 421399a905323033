/** What the suites need of a test framework: vitest, node:test and mocha all have it. */
import { WEATHERS, type Weather } from './weather.js'

export interface Framework {
  describe(name: string, body: () => void): unknown
  test: {
    (name: string, body: () => Promise<void>): unknown
    skip?(name: string, body: () => Promise<void>): unknown
  }
}

/** One promise of a contract, as a test. */
export interface Case<Scene> {
  name: string
  /** Set where bytes, lines, modification times or the exact contents of the folder are counted. */
  only?: 'fresh'
  run(scene: Scene): Promise<void>
}

export interface CaseList<Scene> {
  title: string
  cases: readonly Case<Scene>[]
  /** Cases that an implementation does not fulfil, by name, each with the reason. */
  skip: Readonly<Record<string, string>>
  play(weather: Weather, run: (scene: Scene) => Promise<void>): Promise<void>
}

/** Hands each case to the framework, once for every weather that it is meant for. */
export function registerCases<Scene>({ describe, test }: Framework, list: CaseList<Scene>): void {
  const { title, cases, skip, play } = list
  checkNames(cases, skip)
  describe(title, () => {
    for (const weather of WEATHERS) {
      describe(weather, () => {
        for (const { name, only, run } of cases) {
          if (only !== undefined && only !== weather) continue
          const reason = skip[name]
          const body = () => play(weather, run)
          if (reason === undefined) test(name, body)
          else test.skip?.(`${name} (skipped: ${reason})`, body)
        }
      })
    }
  })
}

function checkNames<Scene>(cases: readonly Case<Scene>[], skip: Readonly<Record<string, string>>): void {
  const names = new Set(cases.map(({ name }) => name))
  if (names.size !== cases.length) throw new Error('two cases have one name')
  for (const name of Object.keys(skip)) if (!names.has(name)) throw new Error(`no case to skip is named "${name}"`)
}
