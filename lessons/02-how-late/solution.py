import lab

table = bytes(range(256)) * 100
SUM = 127 * 25600 + 12800
wrong = sums = 0


def tick(t):
    pass


view = memoryview(table)        # slices of a view copy nothing, and these are made once
parts = [view[start:start + 256] for start in range(0, len(table), 256)]


def total():
    result = 0
    for part in parts:
        result += sum(part)
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
