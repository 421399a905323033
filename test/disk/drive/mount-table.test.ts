import { describe, expect, test } from 'vitest'
import { driveOf, mountInLinux, mountInMac, mountInWindows } from '../../../src/disk/drive/mount-table.js'

/** As /proc/self/mountinfo has it. */
const LINUX = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:20 / /dev/shm rw - tmpfs tmpfs rw,size=1k
30 22 0:40 / /srv rw,relatime - overlay overlay rw,lowerdir=/l,upperdir=/u
31 22 254:0 /home/bots /srv/bound rw,relatime shared:1 - ext4 /dev/vda rw
32 22 0:41 / /mnt/nfs rw - nfs4 nas:/export rw,vers=4.2
33 22 0:42 / /mnt/with\\040space rw - cifs //nas/share rw
34 22 0:43 / /mnt/gluster rw - fuse.glusterfs 127.0.0.1:gv rw,user_id=0
35 22 0:44 / /mnt/moose rw - fuse mfs#host:9421 rw,user_id=0
36 22 0:45 / /mnt/ssh rw - fuse.sshfs ann@nas:/home/ann rw
37 22 0:46 / /mnt/crypt rw - fuse.gocryptfs /home/ann/crypt rw
38 22 8:1 / /mnt/ntfs rw - fuseblk /dev/sda1 rw
39 22 0:47 / /mnt/shared rw - virtiofs host rw
40 22 0:48 / /mnt/demand rw - autofs systemd-1 rw
41 40 0:49 / /mnt/demand rw - nfs nas:/other rw
42 22 0:50 / /mnt/demand/disk rw - xfs /dev/sdb1 rw
43 22 0:51 / /mnt/btr rw - btrfs /dev/sdc rw
44 22 0:52 / /mnt/desktop rw - fuse.osxfs osxfs rw
`

describe('the mount table of Linux', () => {
  test.each([
    ['/home/ann/sessions', 'ext4', 'local', true],
    ['/dev/shm/sessions', 'tmpfs', 'local', true],
    ['/srv/sessions', 'overlay', 'local', true],
    ['/srv/bound/sessions', 'ext4', 'local', true],
    ['/mnt/btr', 'btrfs', 'local', true],
    ['/mnt/demand/disk/a', 'xfs', 'local', true],
    ['/mnt/ntfs', 'fuseblk', 'local', false],
    ['/mnt/nfs/sessions', 'nfs4', 'network', false],
    ['/mnt/with space/sessions', 'cifs', 'network', false],
    ['/mnt/gluster', 'fuse.glusterfs', 'network', false],
    ['/mnt/moose/a/b', 'fuse', 'network', false],
    ['/mnt/ssh', 'fuse.sshfs', 'network', false],
    ['/mnt/demand/a', 'nfs', 'network', false],
    ['/mnt/crypt', 'fuse.gocryptfs', 'unknown', false],
    ['/mnt/shared', 'virtiofs', 'unknown', false],
    ['/mnt/desktop', 'fuse.osxfs', 'unknown', false],
    // not below the mount whose name it begins with
    ['/mnt/nfs2', 'ext4', 'local', true],
  ])('%s is %s: %s', (folder, type, place, hasAtomicAppends) => {
    const drive = driveOf(mountInLinux(LINUX, folder))
    expect(drive).toMatchObject({ type, place, hasAtomicAppends })
  })

  test('names the server', () => {
    expect(driveOf(mountInLinux(LINUX, '/mnt/moose')).source).toBe('mfs#host:9421')
  })

  test('the number of statfs counts where there is no table, and over it', () => {
    expect(driveOf(undefined, 0x6969).place).toBe('network')
    // as a signed number
    expect(driveOf(undefined, 0xfe534d42 | 0).place).toBe('network')
    expect(driveOf(undefined, 0xef53).place).toBe('unknown')
    expect(driveOf({ type: 'overlay', source: 'overlay' }, 0x00c36400).place).toBe('network')
    // 9p passes on the number of the folder that its server shares, here ext4: it does not make a drive local
    expect(driveOf({ type: '9p', source: 'host' }, 0xef53)).toMatchObject({ place: 'unknown', hasAtomicAppends: false })
  })
})

const MAC = `/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
devfs on /dev (devfs, local, nobrowse)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse, protect)
//ann@nas._smb._tcp.local/share on /Volumes/share (smbfs, nodev, nosuid, mounted by ann)
nas:/export on /Volumes/my (old) disk (nfs)
mfs on /Volumes/fuse (macfuse, nodev, nosuid, synchronous, mounted by ann)
/dev/disk5s1 on /Volumes/stick (msdos, local, nodev, nosuid, noowners)
`

describe('what macOS and Windows say', () => {
  test.each([
    ['/System/Volumes/Data/Users/ann/sessions', 'apfs', 'local'],
    ['/Users/ann', 'apfs', 'local'],
    ['/Volumes/stick/a', 'msdos', 'local'],
    ['/Volumes/share/a', 'smbfs', 'network'],
    ['/Volumes/my (old) disk/a', 'nfs', 'network'],
    ['/Volumes/fuse', 'macfuse', 'network'],
  ])('macOS: %s is %s: %s', (folder, type, place) => {
    // appends are not measured there
    expect(driveOf(mountInMac(MAC, folder))).toMatchObject({ type, place, hasAtomicAppends: false })
  })

  test.each([
    ['C:\\bots\\sessions', 'local', 'C:'],
    ['\\\\nas\\share\\sessions', 'network', '\\\\nas\\share'],
    ['\\\\?\\UNC\\nas\\share\\sessions', 'network', '\\\\nas\\share'],
    ['\\\\?\\C:\\bots', 'local', '\\\\'],
  ])('Windows: %s is %s', (folder, place, source) => {
    expect(driveOf(mountInWindows(folder))).toMatchObject({ place, source, hasAtomicAppends: false })
  })
})
