from machine import disable_irq, enable_irq


def total(table):
    state = disable_irq()
    result = sum(table)
    enable_irq(state)
    return result
