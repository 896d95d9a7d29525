# fails
# Notes and reads as often as there are edges, whenever main comes by.
from time import ticks_diff, ticks_ms

start = ticks_ms()
done = 0


def work():
    global done
    while done < ticks_diff(ticks_ms(), start) // 10:
        note()
        read()
        done += 1
