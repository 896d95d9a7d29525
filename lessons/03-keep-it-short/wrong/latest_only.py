seen = processed = at = 0


def tick(t):                    # only what cannot wait
    global seen
    seen += 1


def turn():
    global processed, at
    if processed != seen:
        step()
        at += 1
        if at == 15:
            at = 0
            processed = seen
