import lab
from machine import Pin
from time import sleep_ms

# The button pulls the pin to 0 while it is pressed. Main looks at the pin once in each round of
# its work; the interrupt reports each press by itself.
lab.number("work", 60, 1, 200)
bell = Pin(10, Pin.IN, Pin.PULL_UP)
asked = told = rounds = 0
before = 1


def pressed(pin):               # the callback: called for each change from 1 to 0
    global told
    told += 1


def publish():
    lab.value("asked", asked)
    lab.value("told", told)
    lab.value("rounds", rounds)


bell.irq(pressed, Pin.IRQ_FALLING, hard=lab.hard())
while lab.running():
    sleep_ms(lab.get("work"))   # main's work
    now = bell.value()
    if now == 0 and before == 1:
        asked += 1
    before = now
    rounds += 1
    lab.beat()
    publish()

bell.irq(None)
publish()
lab.done()
