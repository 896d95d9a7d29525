import io
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
fixed = b"abcd"
grown = {}
two = bytearray(2)
stream = io.BytesIO(b"abcdefgh")
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


def key(t):
    global done
    grown[n] = n
    done += 1


def item(t):
    global out, done
    out = fixed[2]
    done += 1


def read(t):
    global out, done
    stream.seek(0)
    out = stream.read(2)
    done += 1


def into(t):
    global done
    stream.seek(0)
    stream.readinto(two)
    done += 1


def stars(t):
    global out, done
    out = max(*seq)
    done += 1


def function(t):
    global out, done
    out = lambda: 0
    done += 1


DO = (element, compare, append, value, call, loop, product, pair, cut, join, method, number)
NAMES = ("element", "compare", "append", "value", "call", "loop", "product", "pair", "cut", "join", "method", "number")
lab.choice("statement", NAMES, "element")
MORE = {"key": key, "item": item, "read": read, "into": into, "stars": stars, "function": function}
lab.choice("more", ("none", "key", "item", "read", "into", "stars", "function"), "none")
more = None


def publish():
    state = lab.lock()
    lab.value("done", done)
    lab.unlock(state)


i = None    # no new name later: it could move the table of names
while lab.running():
    if (lab.get("statement"), lab.get("more"), lab.hard()) != (statement, more, hard):
        statement = lab.get("statement")
        more = lab.get("more")
        hard = lab.hard()
        done = 0
        timer = lab.timer(MORE[more] if more != "none" else DO[NAMES.index(statement)])
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
