import lab

seconds = tenths = 0


def advance():                  # main's part: a tenth of a second on
    global seconds, tenths
    state = lab.lock()
    tenths += 1
    if tenths == 10:
        tenths = 0
        seconds += 1
        if seconds == 10:
            seconds = 0
    lab.unlock(state)


def read():                     # seconds and tenths, as anybody may ask for them
    return seconds, tenths
