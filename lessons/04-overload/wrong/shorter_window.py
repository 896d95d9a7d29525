from array import array

window = array("i", [0] * 64)
seen = average = 0


def tick(t):                    # the average of the last 64 readings
    global seen, average
    window[seen & 63] = reading()
    seen += 1
    total = 0
    for i in range(8):
        total += window[i]
    average = total // 8
