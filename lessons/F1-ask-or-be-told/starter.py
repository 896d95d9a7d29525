from machine import Pin

# Count all presses. Main has 60 ms of work in each round, and then calls `look` once. The driver
# reads `count` after each round.
bell = Pin(10, Pin.IN, Pin.PULL_UP)
count = 0
before = 1


def look():
    global before, count
    now = bell.value()
    if now == 0 and before == 1:
        count += 1
    before = now
