import lab
from time import sleep_ms

# Repair the loop in main: `handled` has to count every call of `tick`, not every look.
calls = handled = 0


def tick(t):
    global calls
    calls += 1


def look():
    global handled
    if handled != calls:
        handled += 1


timer = lab.timer(tick)
while lab.running():
    sleep_ms(10)
    lab.beat()
    look()
    lab.value("handled", handled)

timer.deinit()
for i in range(20):
    pass
look()
lab.value("handled", handled)
lab.done()
