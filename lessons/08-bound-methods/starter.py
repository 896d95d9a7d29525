import micropython
from micropython import schedule

# Repair the class: in a hard handler, too, each event must lead to one call of `work`, and each
# device must hand over its own. The driver makes two of them, and gives `deliver`.
micropython.alloc_emergency_exception_buf(256)


class Device:
    def tick(self, t):
        schedule(self.work, 1)

    def work(self, amount):
        deliver(self, amount)
