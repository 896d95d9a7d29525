import lab
import micropython
from array import array

# One callback for each statement. Every global is there before the first interrupt, because a new
# global is an allocation itself.
micropython.alloc_emergency_exception_buf(256)
a = array("i", [0] * 8)
b = bytearray(8)
d = {"k": 0}
room = [0] * 8
room.clear()                    # empty, and with places to spare
seq = [1, 2, 3]
text = "abc"
x = 0.25
y = 0.5
n = done = 0
out = None
statement = hard = None


def element(t):
    global done
    a[3] = n
    done += 1


def compare(t):
    global out, done
    out = x > y
    done += 1


def append(t):
    global done
    room.append(n)
    room.pop()
    done += 1


def value(t):
    global done
    d["k"] = n
    done += 1


def call(t):
    global out, done
    out = max(n, 5)
    done += 1


def loop(t):
    global out, done
    for i in seq:
        out = i
    done += 1


def product(t):
    global out, done
    out = x * y
    done += 1


def pair(t):
    global out, done
    out = (n, done)
    done += 1


def cut(t):
    global out, done
    out = b[1:3]
    done += 1


def join(t):
    global out, done
    out = text + "d"
    done += 1


def method(t):
    global out, done
    out = room.append
    done += 1


def number(t):
    global done
    for i, item in enumerate(seq):
        pass
    done += 1


DO = (element, compare, append, value, call, loop, product, pair, cut, join, method, number)
NAMES = ("element", "compare", "append", "value", "call", "loop", "product", "pair", "cut", "join", "method", "number")
lab.choice("statement", NAMES, "element")


def publish():
    state = lab.lock()
    lab.value("done", done)
    lab.unlock(state)


while lab.running():
    if lab.get("statement") != statement or lab.hard() != hard:
        statement = lab.get("statement")
        hard = lab.hard()
        done = 0
        timer = lab.timer(DO[NAMES.index(statement)])
    n = (n + 1) & 0xffff
    for i in range(50):
        pass
    lab.beat()
    publish()

timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
