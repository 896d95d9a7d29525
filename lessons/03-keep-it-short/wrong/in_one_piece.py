seen = processed = 0


def tick(t):                    # only what cannot wait
    global seen
    seen += 1


def turn():
    global processed
    while processed != seen:
        for i in range(15):
            step()
        processed += 1
