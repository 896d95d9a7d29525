import lab
import micropython
from machine import Timer
from micropython import schedule

# Two devices of one class, each with a timer and numbers of its own. Their handler hands work to
# a method, in the way that you choose.
micropython.alloc_emergency_exception_buf(256)
OTHER_HZ = 40
STYLES = ("self_bar", "bar_ref", "class_bar", "class_alone", "call", "inside")
lab.choice("style", STYLES, "self_bar")
style = hard = None


class Device:
    def __init__(self):
        self.bar_ref = self.bar         # kept for later

        def count_one(_):               # a function that knows `self`
            self.runs += 1

        self.count_one = count_one

    def clear(self):
        self.seen = self.runs = 0

    def bar(self, _):
        self.runs += 1

    def alone(self):
        self.runs += 1

    def self_bar(self, t):
        self.seen += 1
        schedule(self.bar, 0)

    def use_ref(self, t):
        self.seen += 1
        schedule(self.bar_ref, 0)

    def class_bar(self, t):             # as the document has it
        self.seen += 1
        schedule(Device.bar, self)

    def class_alone(self, t):
        self.seen += 1
        schedule(Device.alone, self)

    def call(self, t):
        self.seen += 1
        self.bar(0)

    def inside(self, t):
        self.seen += 1
        schedule(self.count_one, 0)

    def handler(self):
        if style == "bar_ref":
            return self.use_ref
        return getattr(self, style)


def publish():
    state = lab.lock()
    lab.value("seen", one.seen)
    lab.value("runs", one.runs)
    lab.value("other_seen", two.seen)
    lab.value("other_runs", two.runs)
    lab.unlock(state)


one = Device()
two = Device()
timer = i = None    # no new name later: it could move the table of names
second = Timer(1)
while lab.running():
    if (lab.get("style"), lab.hard()) != (style, hard):
        style = lab.get("style")
        hard = lab.hard()
        one.clear()
        two.clear()
        timer = lab.timer(one.handler())
        second.init(freq=OTHER_HZ, mode=Timer.PERIODIC, callback=two.handler(), hard=hard)
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
