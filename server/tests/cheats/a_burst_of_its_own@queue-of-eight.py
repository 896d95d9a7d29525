# refused: driver-own-timer
import lab


def tick(t):
    pass


lab.burst(100)
