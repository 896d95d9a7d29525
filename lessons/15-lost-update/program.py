import lab
from machine import disable_irq, enable_irq
import micropython
from micropython import schedule

# Two sides add to one counter: main, and the callback of a timer. `lost` is what they added
# and the counter does not hold. Every name exists before the first interrupt.
count = main_adds = isr_adds = isr_count = skipped = 0
flag = True
locked = False

CURES = ("none", "disable_irq", "mutex", "own_counters", "native", "via_schedule", "hand_off")
lab.choice("expression", ("plain", "conditional"), "plain")
cure = lab.choice("cure", CURES, "none")


def tick(t):                        # the callback
    global count, isr_adds, isr_count, skipped
    if locked:                      # mutex: main is inside, so this event is skipped
        skipped += 1
    elif cure == "own_counters":    # the callback writes only what is its own
        isr_count += 1
        isr_adds += 1
    elif cure == "hand_off":        # the callback lets the scheduler add
        try:
            schedule(add_later, 0)
        except RuntimeError:        # the queue of 8 is full
            skipped += 1
    else:
        count += 1
        isr_adds += 1


def add_later(_):
    global count, isr_adds
    count += 1
    isr_adds += 1


# What main does: n additions, with one cure or without. The conditional
# adds the same 1, because `flag` is always true.

def plain(n):
    global count
    for i in range(n):
        count += 1


def plain_disable_irq(n):
    global count
    for i in range(n):
        state = disable_irq()
        count += 1
        enable_irq(state)


def plain_mutex(n):
    global count, locked
    for i in range(n):
        locked = True
        count += 1
        locked = False


@micropython.native
def plain_native_once():
    global count
    count += 1


def plain_native(n):
    for i in range(n):
        plain_native_once()


def plain_section(_):
    global count, main_done
    count += 1
    main_done += 1


def plain_via_schedule(n):
    run_sections(plain_section, n)


def conditional(n):
    global count
    for i in range(n):
        count += 1 if flag else 2


def conditional_disable_irq(n):
    global count
    for i in range(n):
        state = disable_irq()
        count += 1 if flag else 2
        enable_irq(state)


def conditional_mutex(n):
    global count, locked
    for i in range(n):
        locked = True
        count += 1 if flag else 2
        locked = False


@micropython.native
def conditional_native_once():
    global count
    count += 1 if flag else 2


def conditional_native(n):
    for i in range(n):
        conditional_native_once()


def conditional_section(_):
    global count, main_done
    count += 1 if flag else 2
    main_done += 1


def conditional_via_schedule(n):
    run_sections(conditional_section, n)


main_done = 0


def run_sections(section, n):       # scheduled functions never interrupt each other
    global main_done
    main_done = asked = 0
    while asked < n:
        try:
            schedule(section, 0)
            asked += 1
        except RuntimeError:        # the queue is full: the next safe point makes room
            pass
    while main_done < n:
        pass


PLAIN = {
    "none": plain,
    "disable_irq": plain_disable_irq,
    "mutex": plain_mutex,
    "own_counters": plain,
    "native": plain_native,
    "via_schedule": plain_via_schedule,
    "hand_off": plain,
}
CONDITIONAL = {
    "none": conditional,
    "disable_irq": conditional_disable_irq,
    "mutex": conditional_mutex,
    "own_counters": conditional,
    "native": conditional_native,
    "via_schedule": conditional_via_schedule,
    "hand_off": conditional,
}


def watched(n):                     # the same, with two points for the timeline
    global count
    for i in range(n):
        before = count
        callbacks = isr_adds
        lab.trace(before)
        count += 1
        lab.trace(count)
        if isr_adds != callbacks:
            lab.trigger("lost" if count == before + 1 else "kept")


def watched_conditional(n):
    global count
    for i in range(n):
        before = count
        callbacks = isr_adds
        lab.trace(before)
        count += 1 if flag else 2
        lab.trace(count)
        if isr_adds != callbacks:
            lab.trigger("lost" if count == before + 1 else "kept")


def publish():                      # one consistent set of numbers
    state = lab.lock()
    lab.value("main_adds", main_adds)
    lab.value("isr_adds", isr_adds)
    lab.value("count", count + isr_count)
    lab.value("lost", main_adds + isr_adds - count - isr_count)
    lab.value("skipped", skipped)
    lab.unlock(state)


CHUNK = 400
publish()
is_plain = step = i = None    # no new name later: it could move the table of names
timer = lab.timer(tick)
while lab.running():
    is_plain = lab.get("expression") == "plain"
    cure = lab.get("cure")
    step = (PLAIN if is_plain else CONDITIONAL)[cure]
    step(CHUNK)
    main_adds += CHUNK
    if cure == "none":
        (watched if is_plain else watched_conditional)(20)
        main_adds += 20
    lab.beat(CHUNK)
    publish()

timer.deinit()
for i in range(20):                 # what still waits in the queue runs here
    pass
publish()
lab.done()
