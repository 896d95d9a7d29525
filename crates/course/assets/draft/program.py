import lab
from time import sleep_ms

# A timer's callback counts its calls. Main sleeps, wakes, and looks whether the count has changed.
calls = looks = 0


def tick(t):
    global calls
    calls += 1


def publish():
    state = lab.lock()
    lab.value("calls", calls)
    lab.value("looks", looks)
    lab.unlock(state)


last = 0
timer = lab.timer(tick)
while lab.running():
    sleep_ms(10)
    lab.beat()
    if calls != last:
        last = calls
        looks += 1
    publish()

timer.deinit()
for i in range(20):             # what is still queued runs here
    pass
publish()
lab.done()
