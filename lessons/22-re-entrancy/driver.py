# Asks from main and from the callback, with two bytes that nobody knows before.
from array import array
from lab import beat, counter, running, timer, value

asked = counter("asked")
wrong = counter("wrong")
isr_count = array("i", [0, 0])
program = load("from_main", "from_isr")
from_main = program["from_main"]
from_isr = program["from_isr"]


def event(t):
    value = chance(0x10000)
    answer = from_isr(value)
    isr_count[0] += 1
    if answer is not (value << 8 | (value >> 8) ^ (value & 255)):
        isr_count[1] += 1


alarm = timer(event)
while running():
    for i in range(100):
        number = chance(0x10000)
        answer = from_main(number)
        asked.add(1)
        if answer is not (number << 8 | (number >> 8) ^ (number & 255)):
            wrong.add(1)
    beat()
    value("isr_asked", isr_count[0])
    value("isr_wrong", isr_count[1])
alarm.deinit()
for i in range(20):         # what is queued still runs
    pass
value("isr_asked", isr_count[0])
value("isr_wrong", isr_count[1])
