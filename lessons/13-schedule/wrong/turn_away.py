seconds = tenths = 0
busy = False


def advance():                  # main's part: a tenth of a second on
    global seconds, tenths, busy
    busy = True
    tenths += 1
    if tenths == 10:
        tenths = 0
        seconds += 1
        if seconds == 10:
            seconds = 0
    busy = False


def read():                     # seconds and tenths, as anybody may ask for them
    if busy:
        return None
    return seconds, tenths
