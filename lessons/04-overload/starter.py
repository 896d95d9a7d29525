from array import array

# Repair `tick`: it must do its filter, and the filter must stay exact, but the processor must
# not be overloaded at 1 kHz: no alarm may be lost, and main must keep a good part of its time.
# `reading()` gives the next reading, once for each event. The driver looks at `average` now and
# then, and compares it with its own sum.
window = array("i", [0] * 64)
seen = average = 0


def tick(t):                    # the average of the last 64 readings
    global seen, average
    window[seen & 63] = reading()
    seen += 1
    total = 0
    for i in range(64):
        for j in range(8):      # every reading is scaled
            total += window[i]
    average = total // 512
