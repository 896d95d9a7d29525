# fails
# The collector seems to find everything free.
import gc
import sys


class Gc:
    def mem_free(self):
        return 100000


sys.modules["gc"] = Gc()
gc.mem_free
log = []


def tick(t):
    log.append((len(log), measure()))


def reading(i):
    return log[-1 - i][1]
