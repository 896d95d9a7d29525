seconds = tenths = 0


def advance():                  # main's part: a tenth of a second on
    global seconds, tenths
    if tenths == 9:
        tenths = -1
        seconds += 1
        if seconds == 10:
            seconds = 0
    tenths += 1


def read():                     # seconds and tenths, as anybody may ask for them
    return seconds, tenths
