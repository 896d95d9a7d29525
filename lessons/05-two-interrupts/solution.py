a = b = deferred = 0
busy = False


def write(t):
    global a, b, busy
    busy = True                 # from here on the pair is not to be looked at
    number = fresh()
    a = number
    prepare()
    b = number
    busy = False


def read(t):
    global deferred
    if busy:                    # the writer was interrupted in the middle: not now
        deferred += 1
        return
    use(a, b)
