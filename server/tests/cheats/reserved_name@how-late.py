# refused: driver-reserved
import lab

lab.value("dropped", 0)


def total(table):
    return sum(table)
