import lab
import micropython
from machine import Timer
from micropython import schedule

micropython.alloc_emergency_exception_buf(256)


class Device:
    def __init__(self):
        self.seen = self.done = self.refused = 0
        self.work_ref = self.work       # the bound method is created here, once

    def tick(self, t):
        self.seen += 1
        try:
            schedule(self.work_ref, 1)
        except RuntimeError:            # the queue is full: count it, and live
            self.refused += 1

    def work(self, amount):
        self.done += amount


def publish():
    state = lab.lock()
    lab.value("seen", one.seen)
    lab.value("done", one.done)
    lab.value("other_seen", two.seen)
    lab.value("other_done", two.done)
    lab.unlock(state)


one = Device()
two = Device()
publish()
timer = lab.timer(one.tick)
second = Timer(1)
second.init(freq=40, mode=Timer.PERIODIC, callback=two.tick, hard=lab.hard())
while lab.running():
    for i in range(100):
        pass
    lab.beat()
    publish()

timer.deinit()
second.deinit()
for i in range(20):
    pass
publish()
lab.done()
