import lab

table = bytes(range(256)) * 100
SUM = 127 * 25600 + 12800
wrong = sums = 0


def tick(t):
    pass


view = memoryview(table)        # slices of a view copy nothing


def total():
    result = 0
    for start in range(0, len(table), 256):
        result += sum(view[start:start + 256])
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
