# This firmware has no radio: a program that asks for it is told so where it does.
STA_IF = 0
AP_IF = 1


def __getattr__(name):
    if name[0] == "_":
        raise AttributeError(name)
    raise OSError("this board has no radio: network.%s is not there, leave it out or take a board with Wi-Fi firmware" % name)
