# Which statements allocate: each once in a hard callback.
import micropython, array, lab

micropython.alloc_emergency_exception_buf(256)
x = 0.5
big = 2**30 - 1
lst = []
full = [1, 2, 3, 4]
d = {"a": 1}
ba = bytearray(4)
arr = array.array("i", [0] * 4)
fa = array.array("f", [1.0])
s = "abc"
k = 2.5
cur = None
err = None


class Own(Exception):
    pass


pre = Own("made before")


class C:
    def __init__(self):
        self.n = 0

    def m(self):
        self.n += 1


c = C()
names = tuple("zz%d" % i for i in range(40))
G = globals()


def t_store():
    arr[0] = 1


def t_fstore():
    fa[0] = k


def t_dset():
    d["a"] = 2


def t_dnew():
    d["z"] = 2


def t_names():
    for q in names:
        G[q] = 1


def t_raise_own():
    raise Own("x")


def t_raise_pre():
    raise pre


def t_raise_builtin():
    raise ValueError("x")


def t_big():
    global big
    big += 1


def t_range():
    for i in range(5):
        arr[0] = i


def t_array():
    for q in arr:
        pass


def t_enumerate():
    for q in enumerate(ba):
        pass


def t_append4():
    for q in range(4):
        lst.append(q)


tests = (
    ("int_add_store", t_store), ("for_range", t_range), ("for_array", t_array), ("enumerate", t_enumerate),
    ("float_compare", lambda: x < 1.0), ("float_multiply", lambda: x * 1.2), ("float_store", t_fstore),
    ("float_read", lambda: fa[0]), ("big_int", t_big), ("append_4_new", t_append4),
    ("append_full", lambda: full.append(1)), ("dict_value", t_dset), ("dict_new_key", t_dnew),
    ("new_globals", t_names), ("list_literal", lambda: [1, 2]), ("tuple", lambda: (x, k)),
    ("slice", lambda: ba[0:2]), ("concat", lambda: s + "x"), ("format", lambda: "%d" % 5),
    ("lambda", lambda: (lambda: 1)), ("generator", lambda: sum(i for i in arr)), ("call_method", lambda: c.m()),
    ("take_method", lambda: c.m), ("raise_builtin", t_raise_builtin), ("raise_own", t_raise_own),
    ("raise_pre", t_raise_pre), ("print", lambda: print(5)),
)


def isr(_):
    global err
    err = None
    try:
        cur()
    except Exception as e:
        err = type(e)


for name, cur in tests:
    lab.fire(isr, 0)
    print(name, err.__name__ if err else "ok")
