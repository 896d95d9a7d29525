import micropython

# Repair `tick`: it reports the mean, the largest and the number of readings above the mean, of the
# last eight. In a hard callback it must not create anything. The driver gives `reading()`, which is
# to be asked once for each call, and looks at `mean`, `top` and `above`.
micropython.alloc_emergency_exception_buf(256)
readings = [0] * 8
mean = top = above = 0


def tick(t):
    global readings, mean, top, above
    readings = readings[1:] + [reading()]
    mean = sum(readings) / 8
    top = sorted(readings)[-1]
    above = len([r for r in readings if r > mean])
