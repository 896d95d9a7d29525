import lab
from machine import Pin
from time import sleep_ms, ticks_diff, ticks_us

# A bouncing button. `last` is the time of the last edge, whether it counted or not.
lab.choice("style", ("none", "wait", "window_20", "window_200"), "none")
count = last = counted = 0
window = 0
down = False


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


def deaf(pin):                  # after 20 ms of quiet the finger moved: down, up, down, up
    global count, last, counted, down
    now = ticks_us()
    if ticks_diff(now, last) > 20000:
        down = not down
        if down and ticks_diff(now, counted) > window:
            count += 1
            counted = now
    last = now                  # every edge begins the quiet time again


style = lab.get("style")
window = 200000 if style == "window_200" else 20000
last = counted = ticks_us() - 500000
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
