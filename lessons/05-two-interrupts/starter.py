# Repair the two callbacks: the reader must never see half of an update, must not come late, and
# every reading that it gives up must be counted in `deferred`. `fresh()` gives the number that both
# take in an update, `prepare()` the time between the two, and `use(a, b)` is a reading: all three are
# the driver's, and so are the timers.
PRIORITIES = 3, 4            # of the writer and of the reader
a = b = deferred = 0


def write(t):
    global a, b
    number = fresh()
    a = number
    prepare()
    b = number


def read(t):
    use(a, b)
