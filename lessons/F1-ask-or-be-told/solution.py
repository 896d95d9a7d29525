from machine import Pin

bell = Pin(10, Pin.IN, Pin.PULL_UP)
count = 0


def pressed(pin):
    global count
    count += 1


def look():                     # main need not look: it is told
    pass


bell.irq(pressed, Pin.IRQ_FALLING)
