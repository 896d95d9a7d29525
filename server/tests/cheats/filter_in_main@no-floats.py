# fails
# Keeps the signal, and works it out where floats are allowed.
y = 0.0
kept = [0] * 64
n = done = 0


def tick(t):
    global n
    n += 1
    kept[n & 63] = signal()


def position():
    global y, done
    while done < n:
        done += 1
        y = 0.9 * y + 0.1 * kept[done & 63]
    return int(y)
