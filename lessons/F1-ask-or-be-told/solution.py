import lab
from machine import Pin
from time import sleep_ms

bell = Pin(10, Pin.IN, Pin.PULL_UP)
count = rounds = 0


def pressed(pin):
    global count
    count += 1


bell.irq(pressed, Pin.IRQ_FALLING)
while lab.running():
    sleep_ms(60)                # main's work
    rounds += 1
    lab.beat()
    lab.value("count", count)
    lab.value("rounds", rounds)

bell.irq(None)
lab.value("count", count)
lab.done()
