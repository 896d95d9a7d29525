a = b = deferred = 0


def write(t):
    global a, b
    number = fresh()
    a = number
    prepare()
    b = number


def read(t):
    if a != b:
        return
    use(a, b)
