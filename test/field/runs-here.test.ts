/** What the other files of this folder need: told once, so that a run that skips them all is seen to. */
import { spawnSync } from 'node:child_process'
import t from 'tap'

await t.test('this is Linux, and we are root', async (t) => {
  t.equal(process.platform, 'linux')
  t.equal(process.geteuid?.(), 0, 'run it as root: it makes mounts and network namespaces of its own')
})

for (const [tool, debianPackage] of [['mkfs.ext4', 'e2fsprogs'], ['fsfreeze', 'util-linux'], ['unshare', 'util-linux'], ['ip', 'iproute2'], ['tc', 'iproute2'], ['python3', 'python3'], ['mksquashfs', 'squashfs-tools'], ['mkfs.exfat', 'exfatprogs'], ['mount.exfat-fuse', 'exfat-fuse']] as const) {
  await t.test(`${tool} is here`, async (t) => {
    t.equal(spawnSync('which', [tool]).status, 0, `apt-get install ${debianPackage}`)
  })
}
