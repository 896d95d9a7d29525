from machine import Pin

signal = Pin(5, Pin.IN)
seen = taken = 0


def edge(pin):                  # hard: only notes that there was one
    global seen
    note()
    seen += 1


def work():
    global taken
    while taken != seen:
        read()
        taken += 1


signal.irq(edge, Pin.IRQ_RISING, hard=True)
