import lab

a = b = deferred = 0


def write(t):
    global a, b
    state = lab.lock()
    number = fresh()
    a = number
    prepare()
    b = number
    lab.unlock(state)


def read(t):
    use(a, b)
