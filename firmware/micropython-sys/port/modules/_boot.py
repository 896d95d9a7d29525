# Runs before boot.py: puts the flash partition under "/" and formats it on the first start.
import vfs
from flashbdev import bdev

try:
    vfs.mount(bdev, "/")
except OSError:
    vfs.VfsLfs2.mkfs(bdev)
    vfs.mount(bdev, "/")
del vfs, bdev
