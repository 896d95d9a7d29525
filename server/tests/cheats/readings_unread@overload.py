# fails
seen = average = 0


def tick(t):
    global seen
    reading()
    seen += 1
