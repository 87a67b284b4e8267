#!/usr/bin/python3
"""A file system that hands everything on to a folder, but lacks what it is told to: odd-fs.py FOLDER MOUNTPOINT [WHAT[=ERRNO] ...]

  links=N    hard links fail          locks=N   locks fail
  dirsync=N  a folder can't be synced statfs    statfs says 0 of 0
  links_later=N  hard links fail but for those within one folder
  bad=N     the MiB at N can't be read, once there is a file .bad in FOLDER
  inodes    inode numbers are made up, and others when the kernel has forgotten a file
  case      names that differ in case alone are the same
  dots      dots at the end of a name are left out
  long=N    names longer than N bytes are refused
  symlinks=N  symbolic links fail
  list=N    folders can't be listed, once there is a file .bad in FOLDER
  rate=N    N bytes are written a second
"""
import errno
import os
import sys
import threading
import time
from fusepy import FUSE, FuseOSError, Operations

lacks = {what: int(number or 0) for what, _, number in (word.partition('=') for word in sys.argv[3:])}
STAT = ('st_atime', 'st_ctime', 'st_gid', 'st_ino', 'st_mode', 'st_mtime', 'st_nlink', 'st_size', 'st_uid', 'st_blocks')
STATFS = ('f_bavail', 'f_bfree', 'f_blocks', 'f_bsize', 'f_favail', 'f_ffree', 'f_files', 'f_flag', 'f_frsize', 'f_namemax')


class Disk:
    """One write after the other, as they come."""
    def __init__(self, bytes_per_second):
        self.bytes_per_second = bytes_per_second
        self.guard = threading.Lock()
        self.idle_at = 0

    def write(self, size):
        with self.guard: until = self.idle_at = max(self.idle_at, time.monotonic()) + size / self.bytes_per_second
        time.sleep(max(0, until - time.monotonic()))


class Odd(Operations):
    def __init__(self, root):
        self.root = root
        self.disk = Disk(lacks['rate']) if 'rate' in lacks else None

    def at(self, path):
        place = self.root
        for name in filter(None, path.split('/')):
            if 'long' in lacks and len(os.fsencode(name)) > lacks['long']: raise FuseOSError(errno.ENAMETOOLONG)
            if 'dots' in lacks: name = name.rstrip('.')
            if 'case' in lacks and os.path.isdir(place): name = next((other for other in os.listdir(place) if other.lower() == name.lower()), name)
            place = os.path.join(place, name)
        return place

    def getattr(self, path, fh=None):
        found = os.fstat(fh) if fh else os.lstat(self.at(path))
        return {name: getattr(found, name) for name in STAT}

    def readdir(self, path, fh):
        if 'list' in lacks and os.path.exists(self.at('.bad')): raise FuseOSError(lacks['list'])
        return ['.', '..'] + os.listdir(self.at(path))

    def readlink(self, path): return os.readlink(self.at(path))
    def symlink(self, target, source):
        if 'symlinks' in lacks: raise FuseOSError(lacks['symlinks'])
        return os.symlink(source, self.at(target))

    def mkdir(self, path, mode): return os.mkdir(self.at(path), mode)
    def rmdir(self, path): return os.rmdir(self.at(path))
    def unlink(self, path): return os.unlink(self.at(path))
    def rename(self, old, new): return os.rename(self.at(old), self.at(new))

    def link(self, target, source):
        if 'links' in lacks: raise FuseOSError(lacks['links'])
        if 'links_later' in lacks and os.path.dirname(target) != os.path.dirname(source): raise FuseOSError(lacks['links_later'])
        return os.link(self.at(source), self.at(target))

    def open(self, path, flags): return os.open(self.at(path), flags & ~(os.O_NOFOLLOW | os.O_DIRECT))
    def create(self, path, mode, fi=None): return os.open(self.at(path), os.O_RDWR | os.O_CREAT, mode)
    def read(self, path, size, offset, fh):
        if 'bad' in lacks and offset < lacks['bad'] + 2**20 and offset + size > lacks['bad'] and os.path.exists(self.at('.bad')): raise FuseOSError(errno.EIO)
        return os.pread(fh, size, offset)

    def write(self, path, data, offset, fh):
        if self.disk: self.disk.write(len(data))
        return os.pwrite(fh, data, offset)

    def truncate(self, path, length, fh=None): return os.truncate(self.at(path), length)
    def release(self, path, fh): return os.close(fh)
    def fsync(self, path, datasync, fh): return os.fsync(fh)

    def fsyncdir(self, path, datasync, fh):
        if 'dirsync' in lacks: raise FuseOSError(lacks['dirsync'])
        return 0

    def utimens(self, path, times=None): return os.utime(self.at(path), times)
    def chmod(self, path, mode): return os.chmod(self.at(path), mode)
    def chown(self, path, uid, gid): return os.chown(self.at(path), uid, gid)

    def statfs(self, path):
        found = os.statvfs(self.root)
        numbers = {name: getattr(found, name) for name in STATFS}
        if 'statfs' in lacks: numbers |= dict.fromkeys(('f_bavail', 'f_bfree', 'f_blocks', 'f_files', 'f_ffree', 'f_favail'), 0)
        return numbers


if 'locks' in lacks:
    def lock(self, path, fh, cmd, lock): raise FuseOSError(lacks['locks'])
    Odd.lock = lock
FUSE(Odd(os.path.realpath(sys.argv[1])), sys.argv[2], foreground=True, big_writes='rate' in lacks, **({} if 'inodes' in lacks else {'use_ino': True}))
