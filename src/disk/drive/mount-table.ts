/** What the mount table says about the drive of a folder: text in, verdict out. */

/** `network`: other machines write to it. `unknown`: neither the mount table nor the system says. */
export type Place = 'local' | 'network' | 'unknown'

/** The drive of a folder. */
export interface Drive {
  place: Place
  /** O_APPEND writes do not interleave, and there are hard links: an append needs no lease. */
  hasAtomicAppends: boolean
  /** As the system names it; '' where it does not. */
  type: string
  /** The device or server that is mounted; '' where that is not known. */
  source: string
}

/** What is mounted at the place of a folder. */
export interface Mount {
  type: string
  source: string
  /** macOS says of each mount whether its disk is one of this machine. */
  isLocal?: boolean
}

/** Types whose O_APPEND writes do not interleave and that have hard links. */
const ATOMIC = new Set(['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'f2fs', 'zfs', 'bcachefs', 'tmpfs', 'ramfs', 'overlay'])
/** Others of this machine: without links, or not measured. */
const LOCAL = new Set(
  'apfs hfs hfsplus vfat msdos exfat ntfs ntfs3 fuseblk jfs reiserfs nilfs2 udf erofs squashfs ecryptfs aufs'.split(
    ' ',
  ),
)
const NETWORK = new Set(
  (
    'nfs nfs4 cifs smb2 smb3 smbfs afpfs webdav ceph afs gfs gfs2 ocfs2 lustre beegfs gpfs orangefs pvfs2 coda ncpfs ' +
    'glusterfs moosefs sshfs s3fs rclone juicefs davfs davfs2 gcsfuse goofys mount-s3 mountpoint-s3 gvfsd-fuse smbnetfs ' +
    'curlftpfs lizardfs saunafs ceph-fuse seaweedfs cvmfs2 hdfs blobfuse blobfuse2'
  ).split(' '),
)
/** What statfs calls those of Linux. All that goes through FUSE has one number, on this machine or not. */
const NETWORK_NUMBERS = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x00c36400, 0x5346414f, 0x6b414653, 0x73757245, 0x01161970, 0x7461636f,
  0x0bd00bd0, 0x20030528, 0x47504653, 0x19830326,
])

/** The verdict on what is mounted and on the number of statfs; either may be unknown. */
export function driveOf(mount: Mount | undefined, number?: number): Drive {
  const { type = '', source = '' } = mount ?? {}
  return { place: placeOf(mount, number), hasAtomicAppends: ATOMIC.has(type), type, source }
}

function placeOf(mount: Mount | undefined, number: number | undefined): Place {
  if (number !== undefined && NETWORK_NUMBERS.has(number >>> 0)) return 'network'
  if (mount === undefined) return 'unknown'
  const { type, source, isLocal } = mount
  const name = type.replace(/^fuse\./, '')
  if (NETWORK.has(name)) return 'network'
  if (isLocal !== undefined) return isLocal ? 'local' : 'network'
  if (ATOMIC.has(type) || LOCAL.has(type)) return 'local'
  // host:volume, user@host:path, mfs#host:port
  return /^fuse(\.|$)/.test(type) && /[:#]/.test(source) ? 'network' : 'unknown'
}

/** What Linux says in /proc/self/mountinfo about a path without links. */
export function mountInLinux(table: string, folder: string): Mount | undefined {
  return nearest(
    table.split('\n').map((line) => {
      const [left = '', right] = line.split(' - ')
      const [type = '', source = ''] = right?.split(' ') ?? []
      const point = decodeOctal(left.split(' ')[4] ?? '')
      return right === undefined ? undefined : { point, mount: { type, source: decodeOctal(source) } }
    }),
    folder,
  )
}

/** The same of what `mount` prints on macOS: `//ann@nas/share on /Volumes/share (smbfs, nodev, nosuid)`. */
export function mountInMac(table: string, folder: string): Mount | undefined {
  return nearest(
    table.split('\n').map((line) => {
      const parts = /^(.*?) on (\/.*) \(([^()]*)\)$/.exec(line)
      if (parts === null) return undefined
      const [, source = '', point = '', list = ''] = parts
      const [type = '', ...flags] = list.split(', ')
      return { point, mount: { type, source, isLocal: flags.includes('local') } }
    }),
    folder,
  )
}

/** Windows resolves the letter of a network drive to \\server\share. */
export function mountInWindows(folder: string): Mount {
  const share = /^[\\/]{2}(?:\?[\\/]UNC[\\/])?([^\\/?.][^\\/]*)[\\/]+([^\\/]+)/i.exec(folder)
  if (share === null) return { type: '', source: folder.slice(0, 2), isLocal: true }
  return { type: 'smb', source: `\\\\${share[1]}\\${share[2]}`, isLocal: false }
}

/** Of two mounts on one place the later one is seen. */
function nearest(lines: ReadonlyArray<{ point: string; mount: Mount } | undefined>, folder: string): Mount | undefined {
  let best = -1
  let found: Mount | undefined
  for (const line of lines) {
    if (line === undefined || line.point.length < best || !isBelow(folder, line.point)) continue
    best = line.point.length
    found = line.mount
  }
  return found
}

function isBelow(folder: string, point: string): boolean {
  return point === '/' || folder === point || folder.startsWith(`${point}/`)
}

/** The mount table writes spaces, tabs, line feeds and backslashes as three octal digits. */
function decodeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
