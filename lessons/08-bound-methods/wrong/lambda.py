import micropython
from micropython import schedule

micropython.alloc_emergency_exception_buf(256)


class Device:
    def tick(self, t):
        schedule(lambda amount: self.work(amount), 1)

    def work(self, amount):
        deliver(self, amount)
