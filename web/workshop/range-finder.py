# Range finder: the LED lights when something is nearer than the limit that the knob sets.
from machine import ADC, Pin, time_pulse_us
import time

led = Pin(7, Pin.OUT, value=0)
trigger = Pin(4, Pin.OUT, value=0)
echo = Pin(3, Pin.IN)
knob = ADC(Pin(0))
was = None
while True:
    trigger.on()
    time.sleep_us(10)
    trigger.off()
    us = time_pulse_us(echo, 1, 30000)
    limit = 10 + knob.read_u16() // 500             # 10 to 141 cm
    far = us / 58.3 if us > 0 else 999.0
    near = far < limit
    led.value(near)
    if near != was:
        print("near" if near else "clear", "%.0f cm, limit %d cm" % (far, limit))
    was = near
    time.sleep_ms(60)
