import lab
import micropython

micropython.alloc_emergency_exception_buf(256)
asked = wrong = isr_asked = isr_wrong = 0


def checked(value, buf=bytearray(3)):             # two bytes and their check sum
    buf[0] = value >> 8
    buf[1] = value & 255
    buf[2] = 0
    for i in range(2):
        if buf[i]:
            buf[2] ^= buf[i]
    return buf[0] << 16 | buf[1] << 8 | buf[2]


def tick(t):
    global isr_asked, isr_wrong
    isr_asked += 1
    if checked(0x3456) != 0x345662:
        isr_wrong += 1


def ask():
    global asked, wrong
    asked += 1
    if checked(0x0120) != 0x012021:
        wrong += 1


def publish():
    state = lab.lock()
    lab.value("asked", asked)
    lab.value("wrong", wrong)
    lab.value("isr_asked", isr_asked)
    lab.value("isr_wrong", isr_wrong)
    lab.unlock(state)


publish()
timer = lab.timer(tick)
while lab.running():
    for i in range(100):
        ask()
    lab.beat()
    publish()

timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
