# Repair the program: main must never see the pair unequal, and every event must end up in it.
# Interrupts stay on. The driver calls `look`, and `look` hands the pair to `inspect`, the driver's,
# which compares the two slowly.
pair = [0, 0]
locked = False


def tick(t):
    if locked:
        return                  # and the event is gone
    pair[0] += 1
    pair[1] += 1


def look():
    global locked
    locked = True
    inspect(pair)
    locked = False
