a = b = deferred = 0
busy = False


def write(t):
    global a, b, busy
    number = fresh()
    a = number
    prepare()
    busy = True
    b = number
    busy = False


def read(t):
    global deferred
    if busy:
        deferred += 1
        return
    use(a, b)
