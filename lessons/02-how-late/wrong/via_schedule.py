import lab
from micropython import schedule

table = bytes(range(256)) * 100
SUM = 127 * 25600 + 12800
wrong = sums = 0
result = None


def tick(t):
    pass


def add_up(_):
    global result
    result = sum(table)


def total():
    global result
    result = None
    schedule(add_up, 0)
    while result is None:
        pass
    return result


timer = lab.timer(tick)
while lab.running():
    if total() != SUM:
        wrong += 1
    sums += 1
    for i in range(40):
        pass
    lab.beat()
    lab.value("sums", sums)
    lab.value("wrong", wrong)

timer.deinit()
for i in range(20):
    pass
lab.done()
