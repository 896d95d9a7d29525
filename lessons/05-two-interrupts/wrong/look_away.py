import lab
from machine import Timer

a = b = reads = torn = deferred = 0


def write(t):
    global a, b
    a += 1
    for i in range(200):
        pass
    b += 1


def read(t):
    global reads, torn
    if a != b:
        return
    if a != b:
        torn += 1
    reads += 1


def publish():
    lab.value("writes", b)
    lab.value("reads", reads)
    lab.value("torn", torn)
    lab.value("deferred", deferred)


writer = Timer(0)
reader = Timer(1)
writer.init(freq=lab.rate(), callback=write, hard=lab.hard(), priority=3)
reader.init(freq=870, callback=read, hard=lab.hard(), priority=4)
while lab.running():
    for i in range(100):
        pass
    lab.beat()
    publish()

writer.deinit()
reader.deinit()
for i in range(20):
    pass
publish()
lab.done()
