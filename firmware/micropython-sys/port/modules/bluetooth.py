# This firmware has no radio: a program that asks for it is told so where it does.
def __getattr__(name):
    if name[0] == "_":
        raise AttributeError(name)
    raise OSError("this board has no radio: bluetooth.%s is not there, leave it out or take a board with Bluetooth firmware" % name)
