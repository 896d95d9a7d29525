# fails
from machine import Timer
from time import sleep_ms

for n, hz in ((0, 10), (1, 8)):
    Timer(n).init(freq=hz, callback=lambda t: None)
sleep_ms(3000)
for n in (0, 1):
    Timer(n).deinit()
