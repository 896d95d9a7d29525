PRIORITIES = 3, 3            # of the writer and of the reader
a = b = deferred = 0


def write(t):
    global a, b
    number = fresh()
    a = number
    prepare()
    b = number


def read(t):
    use(a, b)
