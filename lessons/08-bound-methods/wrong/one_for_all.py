import micropython
from micropython import schedule

micropython.alloc_emergency_exception_buf(256)


class Device:
    def __init__(self):
        Device.work_ref = self.work

    def tick(self, t):
        schedule(Device.work_ref, 1)

    def work(self, amount):
        deliver(self, amount)
