# fails
# Never asks the sensor, and says what it would have said.
good = errors = calls = 0


def tick(t):
    global good, errors, calls
    calls += 1
    if calls % 7 == 0:
        errors += 1
    else:
        good += 1
