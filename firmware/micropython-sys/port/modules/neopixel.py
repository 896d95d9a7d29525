# A strip of WS2812 or SK6812 lights on one pin, with the interface that MicroPython documents (docs/library/neopixel.rst).
from machine import bitstream


class NeoPixel:
    # Which byte of a light is red, green, blue, white.
    ORDER = (1, 0, 2, 3)
    # High and low part of a zero bit, then of a one bit, in ns: at 400 kHz, at 800 kHz.
    TIMINGS = ((800, 1700, 1600, 900), (400, 850, 800, 450))

    def __init__(self, pin, n, bpp=3, timing=1):
        self.pin = pin
        self.n = n
        self.bpp = bpp
        self.buf = bytearray(n * bpp)
        self.timing = self.TIMINGS[timing] if isinstance(timing, int) else timing
        pin.init(pin.OUT)

    def __len__(self):
        return self.n

    def __setitem__(self, i, colour):
        at = i * self.bpp
        for k in range(self.bpp):
            self.buf[at + self.ORDER[k]] = colour[k]

    def __getitem__(self, i):
        at = i * self.bpp
        return tuple(self.buf[at + self.ORDER[k]] for k in range(self.bpp))

    def fill(self, colour):
        for i in range(self.n):
            self[i] = colour

    def write(self):
        bitstream(self.pin, 0, self.timing, self.buf)
