import lab

# Repair `total`: while it adds up the table, no event may be dropped and no callback may be
# later than four periods. The sum must stay the same.
table = bytes(range(256)) * 100
SUM = 127 * 25600 + 12800
wrong = sums = 0


def tick(t):
    pass


def total():
    return sum(table)


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
