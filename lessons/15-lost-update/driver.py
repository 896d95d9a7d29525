# Starts the timer, lets main add, and compares the sum with the additions of both sides.
from lab import beat, counter, lock, running, stats, timer, unlock, value

main_adds = counter("main_adds")
program = load("tick", "main_part", "total")
main_part = program["main_part"]
total = program["total"]
alarm = timer(program["tick"])
while running():
    n = 350 + chance(100)
    main_part(n)
    main_adds.add(n)
    beat(n)
    state = lock()
    ran = stats(alarm)[3]
    count = total()
    value("isr_adds", ran)
    value("count", count)
    value("lost", main_adds.value() + ran - count)
    unlock(state)
alarm.deinit()
for i in range(20):         # what is queued still runs
    pass
ran = stats(alarm)[3]
count = total()
value("isr_adds", ran)
value("count", count)
value("lost", main_adds.value() + ran - count)
