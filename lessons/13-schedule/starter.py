# Repair the stopwatch: whoever asks by `read`, at any time, must never be told a time that the watch
# did not have. It runs from 0.0 to 9.9 seconds and begins again. Nobody may be turned away. The
# driver lets it run by `advance`, and asks from main and from its callback.
seconds = tenths = 0


def advance():                  # main's part: a tenth of a second on
    global seconds, tenths
    tenths += 1
    if tenths == 10:
        tenths = 0
        seconds += 1
        if seconds == 10:
            seconds = 0


def read():                     # seconds and tenths, as anybody may ask for them
    return seconds, tenths
