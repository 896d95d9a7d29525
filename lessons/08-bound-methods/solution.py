import micropython
from micropython import schedule

micropython.alloc_emergency_exception_buf(256)


class Device:
    def __init__(self):
        self.refused = 0
        self.work_ref = self.work       # the bound method is created here, once

    def tick(self, t):
        try:
            schedule(self.work_ref, 1)
        except RuntimeError:            # the queue is full: count it, and live
            self.refused += 1

    def work(self, amount):
        deliver(self, amount)
