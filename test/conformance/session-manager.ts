/** The suite of the contract `SessionManager`. */
import type { Persistence } from '../../src/contracts/persistence/index.js'
import type { SessionBackend } from '../../src/contracts/session-backend/index.js'
import type { SessionManager } from '../../src/contracts/session-manager/index.js'
import { type Framework, registerCases } from './framework.js'
import { withScene } from './scene.js'
import { compactionCases } from './session-manager/compaction.js'
import { damageCases } from './session-manager/damage.js'
import { deleteCases } from './session-manager/delete.js'
import { errorCases } from './session-manager/errors.js'
import { type Face, faceOf, type Joined, join, rewriteAll } from './session-manager/faces.js'
import { faultCases } from './session-manager/faults.js'
import { forkCases } from './session-manager/fork.js'
import { forkLogCases } from './session-manager/fork-log.js'
import { instanceCases } from './session-manager/instances.js'
import { keyCases } from './session-manager/keys.js'
import { labelCases } from './session-manager/labels.js'
import { listCases } from './session-manager/list.js'
import { logCases } from './session-manager/log.js'
import { messageCases } from './session-manager/messages.js'
import { otherContractCases } from './session-manager/other-contracts.js'
import { resumeCases } from './session-manager/resume.js'
import { rewindCases } from './session-manager/rewind.js'
import { saveCases } from './session-manager/save.js'
import { saveMessageCases } from './session-manager/save-messages.js'
import type { ManagerOptions, ManagerScene } from './session-manager/scene.js'
import { timeCases } from './session-manager/times.js'
import { upstreamCases } from './session-manager/upstream.js'

export interface OpenedManager {
  manager: SessionManager
  /** The other contracts over the same store. Cases that need one that is not there fail: skip them. */
  backend?: SessionBackend
  persistence?: Persistence
  /** Rewrites the log of one session. */
  rewrite(key: string): Promise<void>
  close(): Promise<void>
}

export interface SessionManagerSuite extends Framework {
  /** Opens the implementation on a folder that exists. `now` is its only source of time. */
  open(dir: string, options: ManagerOptions & { now(): number }): Promise<OpenedManager>
  /** Cases that the implementation does not fulfil, by name, each with the reason. */
  skip?: Readonly<Record<string, string>>
}

const cases = [
  ...saveCases,
  ...saveMessageCases,
  ...messageCases,
  ...resumeCases,
  ...listCases,
  ...timeCases,
  ...deleteCases,
  ...forkCases,
  ...forkLogCases,
  ...rewindCases,
  ...compactionCases,
  ...labelCases,
  ...logCases,
  ...otherContractCases,
  ...keyCases,
  ...instanceCases,
  ...damageCases,
  ...errorCases,
  ...faultCases,
  ...upstreamCases,
]

/** Runs every case of the contract against the implementation that `open` gives, in every weather. */
export function testSessionManager({ describe, test, open, skip = {} }: SessionManagerSuite): void {
  registerCases<ManagerScene>(
    { describe, test },
    {
      title: 'SessionManager',
      cases,
      skip,
      play: (weather, run) =>
        withScene<Joined, ManagerOptions>(
          {
            weather,
            async open(dir, options) {
              const opened = await open(dir, options)
              return { subject: join(opened), close: () => opened.close() }
            },
            rewrite: rewriteAll,
          },
          ({ subject, another, ...scene }) => {
            const faces = (joined: Joined) => {
              const face = <T extends object>(name: Face) => faceOf<T>(joined, name)
              return {
                manager: face<SessionManager>('manager'),
                backend: face<SessionBackend>('backend'),
                persistence: face<Persistence>('persistence'),
              }
            }
            return run({ ...scene, ...faces(subject), another: async (options) => faces(await another(options)) })
          },
        ),
    },
  )
}
