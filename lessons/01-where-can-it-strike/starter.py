# Repair `walk`: with a soft ISR, only place 9 may be struck. In every second round the walk
# must still go through place 5. The driver's callbacks note where they find `pos`.
pos = 9


def walk(n):
    global pos
    for i in range(n):
        pos = 0
        pos = 1
        pos = 2
        pos = 3
        pos = 4
        if i & 1:
            pos = 5
        pos = 6
        pos = 7
        pos = 8
        pos = 9
