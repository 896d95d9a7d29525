# fails
# Every name that the driver's functions could look up is replaced.
import __main__

for names in (step.__globals__, __main__.__dict__):
    for name in ("ticks_us", "ticks_diff", "steps", "range", "value", "counter", "beat"):
        names[name] = lambda *args: 1 << 20


def tick(t):
    for i in range(15):
        step()


def turn():
    pass
