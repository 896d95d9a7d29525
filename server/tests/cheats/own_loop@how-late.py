# refused: driver-own-timer
import lab

timer = lab.timer(lambda t: None)
while lab.running():
    lab.value("sums", 500)
    lab.value("wrong", 0)
timer.deinit()
lab.done()


def total(table):
    return 0
