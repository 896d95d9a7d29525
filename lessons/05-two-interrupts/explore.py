# What the race explorer runs after program.py, in the same globals: one update by the writer, which
# is an interrupt itself, between two marks. The reader's alarm arrives meanwhile.
written = False


def mark_writer(t):
    global written
    lab.mark(begin)
    write(t)
    lab.mark(end)
    written = True


turns = 20
is_hard = lab.hard()
above = {"above": 1, "equal": 0, "below": -1}[lab.get("order")]
reader.init(freq=lab.rate(), callback=read, hard=is_hard, priority=3 + above)
for begin, end in ((0, 0), (0, 0), (0, 0), (0, 0), (1, 2)):     # caches are warm at the last one
    written = False
    writer.init(mode=Timer.ONE_SHOT, period=1, callback=mark_writer, hard=is_hard, priority=3)
    while not written:
        pass
for i in range(8):          # what waits in the queue runs here
    pass
lab.mark(16, b)
lab.mark(17, reads)
lab.mark(18, torn)
lab.mark(3)
reader.deinit()
