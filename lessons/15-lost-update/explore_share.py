# What the race explorer runs after program.py to foretell how often an update is lost: main's own
# loops, three times round each, between two marks.

def execute(begin, end):
    lab.mark(begin)
    step(3)
    if cure == "none":
        watch(3)
    lab.mark(end)


cure = lab.get("cure")
is_plain = lab.get("expression") == "plain"
step = (PLAIN if is_plain else CONDITIONAL)[cure]
watch = watched if is_plain else watched_conditional
timer = lab.timer(tick)
for i in range(4):                  # caches are warm afterwards
    execute(0, 0)
execute(1, 2)
main_adds += 30 if cure == "none" else 15
for i in range(4):           # what waits in the queue runs here
    pass
lab.mark(16, main_adds)
lab.mark(17, isr_adds)
lab.mark(18, count + isr_count)
lab.mark(3)
timer.deinit()
