# Infrared: from falling edge to falling edge a bit of NEC's protocol lasts 1.125 ms (0) or 2.25 ms (1), the beginning of a
# frame 13.5 ms, of a repeat 11.25 ms. Four bytes and not one number: a hard callback cannot make an int of 32 bits.
from machine import Pin
import time

HARD = False
bits = bytearray(4)
got = bytearray(4)
n = -1                                              # the bit that comes next; -1: none
frames = repeats = 0
last = time.ticks_us()


def fell(pin):
    global last, n, frames, repeats
    now = time.ticks_us()
    gap = time.ticks_diff(now, last)
    last = now
    if gap > 20000:
        n = -1
    elif gap > 12400:
        n = 0
        for place in range(4):
            bits[place] = 0
    elif gap > 10000:
        n = -1
        repeats += 1
    elif n >= 0:
        if gap > 1690:
            bits[n >> 3] |= 1 << (n & 7)
        n += 1
        if n == 32:
            n = -1
            for place in range(4):
                got[place] = bits[place]
            frames += 1


Pin(3, Pin.IN).irq(fell, Pin.IRQ_FALLING, hard=HARD)
print("press a key")
shown = held = 0
while True:
    if shown != frames:
        shown = frames
        sound = got[0] ^ got[1] == 255 and got[2] ^ got[3] == 255
        print("frame", shown, "address", got[0], "command", got[2], "sound" if sound else "broken")
    if held != repeats:
        held = repeats
        print("held", held)
    time.sleep_ms(10)
