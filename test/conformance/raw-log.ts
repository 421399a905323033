/** A session's log as a person with an editor, or another program, deals with it. */
import fs from 'node:fs'

/** A string or bytes are written unchanged, an object as JSON. */
export type RawLine = string | Buffer | object

export class RawLog {
  constructor(readonly file: string) {}

  exists(): boolean {
    return fs.existsSync(this.file)
  }

  bytes(): Buffer {
    return fs.readFileSync(this.file)
  }

  text(): string {
    return fs.readFileSync(this.file, 'utf8')
  }

  /** The lines without their line feeds. */
  lines(): string[] {
    return this.text().split('\n').slice(0, -1)
  }

  /** Makes the log. */
  write(...lines: RawLine[]): void {
    fs.writeFileSync(this.file, '', { flag: 'wx' })
    this.add(...lines)
  }

  /** Adds whole lines. */
  add(...lines: RawLine[]): void {
    this.addBytes(Buffer.concat(lines.flatMap((line) => [bytesOf(line), Buffer.from('\n')])))
  }

  /** Adds bytes, or text, without a line feed. */
  addBytes(bytes: string | Buffer): void {
    fs.appendFileSync(this.file, bytes)
  }

  get mtimeMs(): number {
    return fs.statSync(this.file).mtimeMs
  }

  /** Sets the modification time. */
  touch(time: Date): void {
    fs.utimesSync(this.file, time, time)
  }
}

function bytesOf(line: RawLine): Buffer {
  if (Buffer.isBuffer(line)) return line
  return Buffer.from(typeof line === 'string' ? line : JSON.stringify(line))
}
