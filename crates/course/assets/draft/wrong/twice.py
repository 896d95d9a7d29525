import lab
from time import sleep_ms

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
    look()
    lab.value("handled", handled)

timer.deinit()
for i in range(20):
    pass
look()
lab.value("handled", handled)
lab.done()
