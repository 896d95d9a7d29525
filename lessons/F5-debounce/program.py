import lab
from machine import Pin
from time import sleep_ms, ticks_diff, ticks_us

# A bouncing button. `last` is the time of the last edge, whether it counted or not.
lab.choice("style", ("none", "wait", "window_20", "window_200"), "none")
count = last = 0
window = 0


def each(pin):
    global count
    if not pin.value():
        count += 1


def wait(pin):
    global count, last
    start = ticks_us()
    while ticks_diff(ticks_us(), start) < 20000:    # never do this
        pass
    if not pin.value() and ticks_diff(start, last) > 20000:
        count += 1
        last = ticks_us()


def deaf(pin):
    global count, last
    now = ticks_us()
    quiet = ticks_diff(now, last)
    if quiet > window and not pin.value():
        count += 1
        last = now
    elif quiet <= 20000:        # bounce: the quiet time begins again
        last = now


style = lab.get("style")
window = 200000 if style == "window_200" else 20000
last = ticks_us() - 500000
button = Pin(10, Pin.IN, Pin.PULL_UP)
handler = each if style == "none" else wait if style == "wait" else deaf
button.irq(handler, Pin.IRQ_FALLING | Pin.IRQ_RISING, hard=lab.hard())
while lab.running():
    for i in range(100):
        pass
    lab.beat()
    lab.value("count", count)

button.irq(None)
lab.value("count", count)
lab.done()
