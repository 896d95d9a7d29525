import lab
import micropython
import os

# Main and the callback call the same function. It packs a number into a buffer, byte by byte, and
# reads it back. Main asks for one number only and counts every other answer.
micropython.alloc_emergency_exception_buf(256)
STYLES = ("shared", "branch", "own", "generator", "file")
lab.choice("style", STYLES, "shared")
style = hard = timer = None
MAIN = 0x0120
ISR = 0x3456
asked = wrong = isr_asked = isr_wrong = clashes = 0
mine = bytearray(2)
its = bytearray(2)
NAME = "/shared.txt"
LINE = b"main writes this line, again and again\n"
NOTE = b"the callback writes this one\n"
shared = None


def pack(value, buf=bytearray(2)):          # the buffer is a default argument
    buf[0] = value >> 8
    buf[1] = value & 255
    return buf[0] << 8 | buf[1]


def pack_checked(value, buf=bytearray(2)):  # the same with a condition in the middle
    buf[0] = value >> 8
    if value:
        buf[1] = value & 255
    return buf[0] << 8 | buf[1]


def counter():
    n = 0
    while True:
        n = n + 1 if n < 1000 else 0
        yield n


numbers = counter()


def tick_pack(t):
    global isr_asked, isr_wrong
    isr_asked += 1
    if pack(ISR) != ISR:
        isr_wrong += 1


def tick_checked(t):
    global isr_asked, isr_wrong
    isr_asked += 1
    if pack_checked(ISR) != ISR:
        isr_wrong += 1


def tick_own(t):
    global isr_asked, isr_wrong
    isr_asked += 1
    if pack_checked(ISR, its) != ISR:
        isr_wrong += 1


def tick_generator(t):
    global isr_asked, clashes
    isr_asked += 1
    try:
        next(numbers)
    except ValueError:
        clashes += 1


def tick_file(t):
    global isr_asked, clashes
    isr_asked += 1
    if shared:
        try:
            shared.write(NOTE)
        except OSError:
            clashes += 1


def ask_pack():
    global asked, wrong
    for i in range(100):
        answer = pack(MAIN)
        asked += 1
        if answer != MAIN:
            wrong += 1


def ask_checked():
    global asked, wrong
    for i in range(100):
        answer = pack_checked(MAIN)
        asked += 1
        if answer != MAIN:
            wrong += 1


def ask_own():
    global asked, wrong
    for i in range(100):
        answer = pack_checked(MAIN, mine)
        asked += 1
        if answer != MAIN:
            wrong += 1


def ask_generator():
    global asked
    for i in range(100):
        next(numbers)
        asked += 1


def ask_file():                 # the file stays short: each time from its beginning
    global asked, wrong, shared
    asked += 1
    try:
        if not shared:
            shared = open(NAME, "wb")
        for i in range(20):
            shared.write(LINE)
        shared.seek(0)
    except OSError:
        wrong += 1
        shared = None


TICK = {
    "shared": tick_pack,
    "branch": tick_checked,
    "own": tick_own,
    "generator": tick_generator,
    "file": tick_file,
}
ASK = {"shared": ask_pack, "branch": ask_checked, "own": ask_own, "generator": ask_generator, "file": ask_file}


def publish():
    state = lab.lock()
    lab.value("asked", asked)
    lab.value("wrong", wrong)
    lab.value("isr_asked", isr_asked)
    lab.value("isr_wrong", isr_wrong)
    lab.value("clashes", clashes)
    lab.unlock(state)


i = None    # no new name later: it could move the table of names
while lab.running():
    if (lab.get("style"), lab.hard()) != (style, hard):
        style = lab.get("style")
        hard = lab.hard()
        asked = wrong = isr_asked = isr_wrong = clashes = 0
        timer = lab.timer(TICK[style])
    ASK[style]()
    lab.beat()
    publish()

if timer:
    timer.deinit()
for i in range(20):
    pass
publish()
if style == "file":
    shared = None
    os.remove(NAME)
lab.done()
