# What a hard callback can say of its exception, by the size of the emergency buffer.
import micropython, lab, array

v = 2.0
saved = None
arr = array.array("i", [0])


def alloc(_):
    v * 1.5


def keep(_):
    global saved
    try:
        1 // 0
    except Exception as e:
        saved = e


def later(_):
    try:
        arr[9]
    except IndexError:
        pass


for size in (0, 23, 24, 100, 125, 126):
    micropython.alloc_emergency_exception_buf(size)
    print("size", size)
    lab.fire(alloc, 0)
lab.fire(keep, 0)
print("saved:", repr(saved))
lab.fire(later, 0)
print("after a second, handled, exception:", repr(saved))
