import micropython

# Repair `tick`: about every seventh reading fails. The callback must survive that and go on, and
# every failure must be counted in `errors`. The driver gives `read()`, the sensor.
micropython.alloc_emergency_exception_buf(256)
good = errors = 0


def tick(t):
    global good
    read()
    good += 1
