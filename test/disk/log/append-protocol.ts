/**
 * The protocol of appends without a lease, system call by system call, on a model of a file system: names, inodes and
 * texts. Lines are a letter and a digit, and `;` stands for the line feed.
 */

/** Forms of the protocol that lose lines or wait for ever. */
export type Mistake =
  | 'no look at the size'
  | 'no second copy'
  | 'former unlinked before the temp file'
  | 'formers of one name'
  | 'leftovers: former first'
  | 'moved, then looked at'
  | 'lease not looked at again'
  | 'any second link is waited for'

export interface Process {
  kind: keyof typeof KINDS
  /** The system call that comes next. */
  at: string
  name: string
  /** A writer's next line, and how many it writes. */
  line: number
  lines: number
  /** The open file; of a rewriter, the one that it replaces. */
  file: number
  /** Up to where the file is known; a rewriter has copied so much. */
  size: number
  /** The next write begins with a line feed. */
  feeds: boolean
  /** What is still to be written of a write that is under way. */
  rest: string
  written: number
  /** Of the formers that a writer waits for, or that a rewriter finishes or has made. */
  nonces: string[]
  attempt: number
  ended: boolean
}

export interface World {
  /** The inode under each name; `temp:`, `former:` and `trash:` are followed by a nonce. */
  names: Record<string, number>
  texts: string[]
  /** Who is within a write to an inode. */
  writes: Record<number, number>
  lease: number
  kills: number
  losses: number
  acknowledged: string[]
  /** What a move to the trash has seen when it was decided on. */
  dismissed: string[]
  processes: Process[]
}

export interface Case {
  processes: Process[]
  kills?: number
  /** The holder of the lease may be taken for dead while it is stopped, so often. */
  losses?: number
  mistake?: Mistake
  /** How often a rewriter starts over. */
  attempts?: number
  /** Writes of writers are seen half done, and a kill leaves the half. */
  halves?: boolean
  hasLog?: boolean
}

/** One system call. False: it cannot be made now. */
type Step = (world: World, self: Process, given: Case) => unknown

const LINE = /^[a-z]\d$/
export const NOBODY = -1
const EMPTY_FOLDER = -1

export const linesOf = (text: string) => text.split(';').filter((piece) => LINE.test(piece))
export const textOf = ({ names, texts }: World, name: string) => texts[names[name] ?? -1] ?? ''
const formersIn = ({ names }: World) => Object.keys(names).flatMap((name) => /^former:(.*)/.exec(name)?.[1] ?? [])
const linkCount = ({ names }: World, file: number) => Object.values(names).filter((inode) => inode === file).length
const numberOf = ({ processes }: World, self: Process) => processes.indexOf(self)

function go(self: Process, at: string): undefined {
  self.at = at
}

function end(self: Process): undefined {
  Object.assign(self, { ended: true, at: '', file: 0, size: 0, feeds: false, nonces: [], written: 0 })
}

function acknowledge(world: World, self: Process): undefined {
  world.acknowledged = [...world.acknowledged, self.name + self.line].sort()
  self.line++
  self.nonces = []
  return self.line === self.lines ? end(self) : go(self, 'write')
}

/** Without the temp file, or the folder in the trash, the rename of this nonce fails for ever. */
function preventRename({ names }: World, nonce: string): void {
  delete names[`temp:${nonce}`]
  if (names[`trash:${nonce}`] === EMPTY_FOLDER) delete names[`trash:${nonce}`]
}

const WRITER: Record<string, Step> = {
  open(world, self) {
    const file = world.names.log
    if (file === undefined) return go(self, 'create')
    const text = world.texts[file] ?? ''
    self.file = file
    self.size = text.length
    self.feeds = text !== '' && !text.endsWith(';')
    go(self, 'write')
  },
  create(world, self) {
    // a temp file, linked to the path and unlinked: for an instant the new log has two links
    const own = `new:${self.name}`
    world.names[own] ??= world.texts.push('') - 1
    world.names.log ??= world.names[own]
    go(self, 'unlinkNew')
  },
  unlinkNew(world, self) {
    delete world.names[`new:${self.name}`]
    go(self, 'open')
  },
  write(world, self, { halves }) {
    if (world.writes[self.file] !== undefined) return false
    const bytes = `${self.feeds ? ';' : ''}${self.name}${self.line};`
    const half = halves ? bytes.length - 1 : bytes.length
    world.texts[self.file] += bytes.slice(0, half)
    self.rest = bytes.slice(half)
    self.written = bytes.length
    if (halves) world.writes[self.file] = numberOf(world, self)
    go(self, halves ? 'writeRest' : 'look')
  },
  writeRest(world, self) {
    world.texts[self.file] += self.rest
    self.rest = ''
    delete world.writes[self.file]
    go(self, 'look')
  },
  look(world, self, { mistake }) {
    if (world.names.log !== self.file) return go(self, 'open')
    const text = world.texts[self.file] ?? ''
    if (mistake !== 'no look at the size' && text.length !== self.size + self.written) {
      const place = text.indexOf(`${self.name}${self.line};`, self.size)
      const isGlued = place === -1 || (place > 0 && text[place - 1] !== ';')
      self.size = text.length
      self.feeds = isGlued || !text.endsWith(';')
      if (isGlued) return go(self, 'write')
    } else {
      self.size = text.length
      self.feeds = false
    }
    return linkCount(world, self.file) === 1 ? acknowledge(world, self) : go(self, 'listFormers')
  },
  listFormers(world, self, { mistake }) {
    self.nonces = formersIn(world)
    if (self.nonces.length === 0 && mistake === 'any second link is waited for') return go(self, 'waitForAny')
    go(self, self.nonces.length === 0 ? 'lookAgain' : 'wait')
  },
  lookAgain(world, self) {
    return world.names.log === self.file ? acknowledge(world, self) : go(self, 'open')
  },
  wait(world, self) {
    if (world.names.log !== self.file) return go(self, 'open')
    return linkCount(world, self.file) === 1 ? acknowledge(world, self) : false
  },
  waitForAny(world, self) {
    return linkCount(world, self.file) === 1 ? acknowledge(world, self) : false
  },
  'wait time-out'(_world, self, { mistake }) {
    go(self, mistake === 'former unlinked before the temp file' ? 'unlinkFormer' : 'unlinkTemp')
  },
  unlinkTemp(world, self, { mistake }) {
    for (const nonce of self.nonces) preventRename(world, nonce)
    go(self, mistake === 'former unlinked before the temp file' ? 'lookAgain' : 'makeSure')
  },
  makeSure(world, self) {
    go(self, world.names.log === self.file ? 'unlinkFormer' : 'open')
  },
  unlinkFormer(world, self, { mistake }) {
    for (const nonce of self.nonces) delete world.names[`former:${nonce}`]
    return mistake === 'former unlinked before the temp file' ? go(self, 'unlinkTemp') : acknowledge(world, self)
  },
}

const HOLDER: Record<string, Step> = {
  takeLease(world, self, { losses = 0 }) {
    const holder = world.processes[world.lease]
    if (holder !== undefined && !holder.ended) {
      if (world.losses >= losses) return false
      world.losses++
    }
    world.lease = numberOf(world, self)
    go(self, 'finishOthers')
  },
  finishOthers(world, self, { mistake }) {
    const nonces = formersIn(world)
    self.nonces = nonces.slice(0, 1)
    if (nonces.length > 0) return go(self, mistake === 'leftovers: former first' ? 'unlinkLeft' : 'prevent')
    for (const [name, inode] of Object.entries(world.names))
      if (name.startsWith('temp:') || inode === EMPTY_FOLDER) delete world.names[name]
    go(self, 'begin')
  },
  unlinkLeft(world, self) {
    delete world.names[`former:${self.nonces[0]}`]
    go(self, 'finishOthers')
  },
  prevent(world, self) {
    preventRename(world, self.nonces[0] ?? '')
    go(self, 'copyLate')
  },
  begin(world, self, { mistake }) {
    const file = world.names.log
    if (file === undefined) return go(self, 'release')
    self.attempt++
    const nonce = mistake === 'formers of one name' ? 'x' : `${self.name}${self.attempt}`
    self.file = file
    self.nonces = [nonce]
    const text = world.texts[file] ?? ''
    self.size = text.lastIndexOf(';') + 1
    if (self.kind === 'rewriter') world.names[`temp:${nonce}`] = world.texts.push(text.slice(0, self.size)) - 1
    else if (mistake !== 'moved, then looked at') world.names[`trash:${nonce}`] = EMPTY_FOLDER
    go(self, mistake === 'moved, then looked at' ? 'moveBlindly' : 'checkLease')
  },
  /** Whoever takes the lease removes all temp files: either this sees the loss, or the rename fails. */
  checkLease(world, self, { mistake }) {
    const isLost = world.lease !== numberOf(world, self) && mistake !== 'lease not looked at again'
    go(self, isLost ? 'giveUp' : 'link')
  },
  link(world, self) {
    const former = `former:${self.nonces[0]}`
    if (world.names.log !== self.file || world.names[former] !== undefined) return go(self, 'giveUp')
    world.names[former] = self.file
    go(self, self.kind === 'rewriter' ? 'copyAgain' : 'lookBefore')
  },
  copyAgain(world, self, { mistake }) {
    const added = (world.texts[self.file] ?? '').slice(self.size)
    const temp = world.names[`temp:${self.nonces[0]}`]
    if (temp !== undefined && mistake !== 'no second copy')
      world.texts[temp] += added.slice(0, added.lastIndexOf(';') + 1)
    go(self, 'rename')
  },
  rename(world, self) {
    const temp = world.names[`temp:${self.nonces[0]}`]
    if (temp === undefined) return go(self, 'giveUp')
    delete world.names[`temp:${self.nonces[0]}`]
    world.names.log = temp
    go(self, 'copyLate')
  },
  giveUp(world, self, { attempts = 1 }) {
    delete world.names[`former:${self.nonces[0]}`]
    preventRename(world, self.nonces[0] ?? '')
    go(self, self.attempt < attempts ? 'finishOthers' : 'release')
  },
  /** What reached the former file and the new one lacks. Goes on until nothing is missing. */
  copyLate(world, self) {
    const former = world.names[`former:${self.nonces[0]}`]
    const log = world.names.log
    const isReplaced = former !== undefined && log !== undefined && former !== log
    const isTrashed = Object.entries(world.names).some(([name, file]) => name.startsWith('trash:') && file === former)
    if (!isReplaced || isTrashed) return go(self, 'unlinkOwn')
    const known = new Set(linesOf(world.texts[log] ?? ''))
    const missing = [...new Set(linesOf(world.texts[former] ?? ''))].filter((line) => !known.has(line))
    if (missing.length === 0) return go(self, 'unlinkOwn')
    if (world.writes[log] !== undefined) return false
    const feed = textOf(world, 'log').endsWith(';') ? '' : ';'
    world.texts[log] += feed + missing.map((line) => `${line};`).join('')
  },
  unlinkOwn(world, self) {
    delete world.names[`former:${self.nonces[0]}`]
    // its own rewrite is done, or another's is finished and its own comes next
    const isOwn = self.nonces[0]?.startsWith(self.name) || self.attempt > 0
    go(self, isOwn ? 'release' : 'finishOthers')
  },
  lookBefore(world, self) {
    const isUnused = world.names.log === self.file && world.texts[self.file]?.length === self.size
    go(self, isUnused ? 'move' : 'giveUp')
  },
  move(world, self) {
    if (world.names[`trash:${self.nonces[0]}`] !== EMPTY_FOLDER || world.names.log === undefined)
      return go(self, 'giveUp')
    world.names[`trash:${self.nonces[0]}`] = world.names.log
    delete world.names.log
    world.dismissed = linesOf(world.texts[self.file]?.slice(0, self.size) ?? '')
    go(self, 'unlinkOwn')
  },
  moveBlindly(world, self) {
    world.names[`trash:${self.nonces[0]}`] = self.file
    delete world.names.log
    go(self, 'release')
  },
  release(world, self) {
    if (world.lease === numberOf(world, self)) world.lease = NOBODY
    end(self)
  },
}

export const KINDS = { writer: WRITER, rewriter: HOLDER, mover: HOLDER }
