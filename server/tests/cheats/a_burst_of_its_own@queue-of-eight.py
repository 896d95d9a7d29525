# refused: driver-own-timer
import lab

done = False


def tick(t):
    global done
    if not done:
        done = True
        lab.burst(100)
