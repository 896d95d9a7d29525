import lab
from array import array

# Repair the program: main must see sixteen equal words each time, every alarm must be served, and
# no callback may be later than 300 us. `inspect(words)` is the driver's, as is `fresh()`, which gives
# a number for each event. The inspection takes 100 us for each word, and cannot be made shorter.
data = array("i", [0] * 16)


def tick(t):                    # writes one number into all words
    number = fresh()
    for i in range(16):
        data[i] = number


def look():
    state = lab.lock()
    inspect(data)
    lab.unlock(state)
