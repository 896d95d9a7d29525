import micropython
from micropython import schedule

micropython.alloc_emergency_exception_buf(256)


class Device:
    def __init__(self):
        self.work_ref = None

    def tick(self, t):
        if self.work_ref is None:
            self.work_ref = self.work
        schedule(self.work_ref, 1)

    def work(self, amount):
        deliver(self, amount)
