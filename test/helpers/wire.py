#!/usr/bin/env python3
"""A cable with a length, for kernels that have no netem: joins a TAP device in each of two network
namespaces, and hands every frame on after a delay, or loses it. Real packets: TCP sees a real round trip.

usage: wire.py NETNS DEVICE NETNS DEVICE DELAY_MS LOSS_PERCENT   (delay and loss of one way; "up" once it works)
"""
import collections
import ctypes
import fcntl
import gc
import os
import random
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TAP_NO_PI = 0x1002
CLONE_NEWNET = 0x40000000
FRAME = 65536
# Frames on their way; with more, the sending device waits, which is what a cable with a full queue does.
MOST = 65536
# Read or written in one go, so that neither way waits long for the other.
AT_ONCE = 64

libc = ctypes.CDLL(None, use_errno=True)


def tap(namespace, device):
    with open("/run/netns/" + namespace) as there:
        if libc.setns(there.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns " + namespace)
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TAP_NO_PI))
    return descriptor


class Way:
    def __init__(self, source, target):
        self.source, self.target, self.frames = source, target, collections.deque()

    def take(self, due, loss):
        for _ in range(AT_ONCE):
            try:
                frame = os.read(self.source, FRAME)
            except BlockingIOError:
                return
            if not loss or random.random() >= loss:
                self.frames.append((due, frame))

    def give(self, now):
        frames = self.frames
        for _ in range(AT_ONCE):
            if not frames or frames[0][0] > now:
                return
            try:
                os.write(self.target, frames[0][1])
            except BlockingIOError:
                return
            except OSError:
                # The device at the other end is not up yet, or no longer.
                pass
            frames.popleft()


def main():
    near, far = tap(*sys.argv[1:3]), tap(*sys.argv[3:5])
    delay, loss = float(sys.argv[5]) / 1000, float(sys.argv[6]) / 100
    ways = [Way(near, far), Way(far, near)]
    # Nothing here refers to itself; a collection would only make it late.
    gc.disable()
    print("up", flush=True)
    while True:
        now = time.monotonic()
        for way in ways:
            way.give(now)
        due = min((way.frames[0][0] for way in ways if way.frames), default=None)
        wait = None if due is None else max(0, due - time.monotonic())
        readable, _, _ = select.select([way.source for way in ways if len(way.frames) < MOST], [], [], wait)
        due = time.monotonic() + delay
        for way in ways:
            if way.source in readable:
                way.take(due, loss)


main()
