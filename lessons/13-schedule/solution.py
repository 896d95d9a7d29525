now = 0


def advance():                  # main's part: a tenth of a second on
    global now
    next = now + 1
    if next == 100:
        next = 0
    now = next                  # one number, one store


def read():                     # seconds and tenths, as anybody may ask for them
    time = now                  # and one load
    return time // 10, time % 10
