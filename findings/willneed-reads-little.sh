#!/usr/bin/env bash
# Whoever maps a checkpoint and wants a layer's pages read ahead calls madvise(MADV_WILLNEED) on it. Linux reads of
# each call at most what the device reads ahead or transfers at once, whichever is more (read_ahead_kb,
# max_sectors_kb: 128 KiB to a few MiB), and reports success: of a tensor of 128 MiB next to nothing. The
# same range asked for in pieces of 128 KiB is read whole.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding numpy==2.3.5 safetensors==0.7.0 <<'PY'
import ctypes, json, mmap, os, platform, struct, sys, time
import numpy
from safetensors.numpy import save_file

size, piece = 128 << 20, 128 << 10
save_file({"weight": numpy.ones((8192, 8192), numpy.float16)}, "layer.safetensors")
descriptor = os.open("layer.safetensors", os.O_RDONLY)
os.fsync(descriptor)
length = os.fstat(descriptor).st_size
begin = 8 + struct.unpack("<Q", os.pread(descriptor, 8, 0))[0]
header = json.loads(os.pread(descriptor, begin - 8, 8))
assert header["weight"]["data_offsets"] == [0, size]
begin -= begin % mmap.PAGESIZE
mapping = mmap.mmap(descriptor, length, prot=mmap.PROT_READ)
libc = ctypes.CDLL(None, use_errno=True)
libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
view = numpy.frombuffer(mapping, numpy.uint8)


def share():
    pages = (length + mmap.PAGESIZE - 1) // mmap.PAGESIZE
    held = (ctypes.c_ubyte * pages)()
    assert libc.mincore(view.ctypes.data, length, held) == 0
    return sum(byte & 1 for byte in held) / pages


def read_ahead(step):
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    before = share()
    if before > 0.01:
        sys.exit("the folder's file system keeps its pages: nothing can be seen on it")
    for place in range(begin, length, step):
        mapping.madvise(mmap.MADV_WILLNEED, place, min(step, length - place))
    # Reading goes on after the call; it is over when nothing more arrives.
    after = -1.0
    while share() > after:
        after = share()
        time.sleep(1)
    return after


whole, pieces = read_ahead(length), read_ahead(piece)
print(f"Linux {platform.release().split('-')[0]}: of a tensor of 128 MiB one call reads {100 * whole:.1f} %, "
      f"calls of 128 KiB read {100 * pieces:.1f} %")
print("the surprise holds" if whole < 0.5 and pieces > 0.9 else "the behaviour has changed")
PY
