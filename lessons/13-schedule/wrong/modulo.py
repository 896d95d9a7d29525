seconds = tenths = 0


def advance():                  # main's part: a tenth of a second on
    global seconds, tenths
    tenths = (tenths + 1) % 10
    if tenths == 0:
        seconds = (seconds + 1) % 10


def read():                     # seconds and tenths, as anybody may ask for them
    return seconds, tenths
