# Each side writes only its own counter; whoever reads adds them up.
count = isr_count = 0
flag = True


def tick(t):
    global isr_count
    isr_count += 1


def main_part(n):
    global count
    for i in range(n):
        count += 1 if flag else 2


def total():
    return count + isr_count
