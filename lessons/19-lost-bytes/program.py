import lab
from machine import disable_irq, enable_irq

# The callback receives bytes, numbered 0, 1, 2 ... 255, 0; main consumes them and checks the
# numbers. Four designs of the buffer between them.
SIZE = 256
buf = bytearray(SIZE)
navail = 0                  # counter designs: bytes ready
rd = wr = 0                 # where main reads, where the callback writes
produced = consumed = overflow = gaps = 0
next_number = 0
lab.choice("design", ("clear", "decrement", "disable_irq", "ring_buffer"), "clear")
design = lab.get("design")


def tick(t):
    global navail, wr, produced, overflow
    if design == "ring_buffer":
        following = (wr + 1) & 255
        if following == rd:
            overflow += 1
        else:
            buf[wr] = produced & 255
            wr = following
    elif navail == SIZE:
        overflow += 1
    elif design == "decrement":
        buf[wr] = produced & 255
        wr = (wr + 1) & 255
        navail += 1
    else:
        buf[navail] = produced & 255
        navail += 1
    produced += 1


def take(byte):
    global consumed, gaps, next_number
    if byte != next_number:
        gaps += 1
    next_number = (byte + 1) & 255
    consumed += 1


def clear():                # process what is there, then say that nothing is there
    global navail
    n = navail
    lab.trace(n)
    for i in range(n):
        take(buf[i])
    lab.trace(navail)
    arrived = navail
    navail = 0
    if arrived != n:
        lab.trigger("lost")


def decrement():            # one less after each byte
    global navail, rd
    while navail:
        take(buf[rd])
        rd = (rd + 1) & 255
        navail -= 1


def clear_disable_irq():    # the first design with interrupts off
    global navail
    state = disable_irq()
    n = navail
    for i in range(n):
        take(buf[i])
    navail = 0
    enable_irq(state)


def ring_buffer():          # main writes only `rd`, the callback only `wr`
    global rd
    while rd != wr:
        take(buf[rd])
        rd = (rd + 1) & 255


CONSUME = {
    "clear": clear,
    "decrement": decrement,
    "disable_irq": clear_disable_irq,
    "ring_buffer": ring_buffer,
}


def start(chosen):          # another design begins with an empty buffer
    global design, navail, rd, wr, produced, consumed, overflow, gaps, next_number
    state = lab.lock()
    design = chosen
    navail = rd = wr = produced = consumed = overflow = gaps = next_number = 0
    lab.unlock(state)


def other_work():           # meanwhile bytes arrive and wait
    for i in range(500):
        pass


def publish():
    ring = design == "ring_buffer"
    state = lab.lock()
    waiting = ((wr - rd) & 255) * ring + navail * (not ring)
    lab.value("produced", produced)
    lab.value("consumed", consumed)
    lab.value("waiting", waiting)
    lab.value("overflow", overflow)
    lab.value("lost", produced - consumed - waiting - overflow)
    lab.value("gaps", gaps)
    lab.unlock(state)


publish()
consume = i = None    # no new name later: it could move the table of names
timer = lab.timer(tick)
while lab.running():
    if lab.get("design") != design:
        start(lab.get("design"))
    consume = CONSUME[design]
    for i in range(8):
        consume()
        other_work()
    lab.beat(8)
    publish()

timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
