import micropython
from micropython import schedule

micropython.alloc_emergency_exception_buf(256)


class Device:
    def tick(self, t):
        schedule(Device.work, self)

    def work(self, amount):
        deliver(self, amount)
