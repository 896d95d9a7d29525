# fails
from machine import Pin

Pin(10, Pin.OUT, value=1)
Pin(4, Pin.OUT, value=0)
