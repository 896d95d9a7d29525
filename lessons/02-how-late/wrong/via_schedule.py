from micropython import schedule

result = None


def add_up(table):
    global result
    result = sum(table)


def total(table):
    global result
    result = None
    schedule(add_up, table)
    while result is None:
        pass
    return result
