import micropython


@micropython.native
def total(table):
    result = 0
    for value in table:
        result += value
    return result
