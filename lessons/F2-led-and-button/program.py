import lab
from machine import Pin

# Each call of the callback changes the LED. `trigger` says which changes of the pin call it.
EDGES = {
    "falling": Pin.IRQ_FALLING,
    "rising": Pin.IRQ_RISING,
    "both": Pin.IRQ_FALLING | Pin.IRQ_RISING,
}
lab.choice("trigger", ("falling", "rising", "both"), "falling")
button = Pin(10, Pin.IN, Pin.PULL_UP)   # 1 while it is open, 0 while it is pressed
led = Pin(4, Pin.OUT, value=0)
calls = 0


def change(pin):
    global calls
    calls += 1
    led.value(not led.value())


button.irq(change, EDGES[lab.get("trigger")], hard=lab.hard())
while lab.running():
    for i in range(100):
        pass
    lab.beat()
    lab.value("calls", calls)
    lab.value("led_on", led.value())

button.irq(None)
lab.value("calls", calls)
lab.value("led_on", led.value())
lab.done()
