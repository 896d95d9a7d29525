from machine import Pin

# At each edge the thermometer has to be read once, and the edge noted within half a millisecond.
# The driver gives `note()` and `read()`; main makes a long call and then calls `work`.
signal = Pin(5, Pin.IN)


def edge(pin):
    note()
    read()


def work():
    pass


signal.irq(edge, Pin.IRQ_RISING, hard=False)
