from array import array

window = array("i", [0] * 64)
total = seen = average = 0


def tick(t):                    # the average of the last 64 readings
    global seen, average, total
    new = reading()             # a running sum: one reading comes, one goes
    total += new - window[seen & 63]
    window[seen & 63] = new
    seen += 1
    average = total // 64
