# fails
def total(table):
    return 127 * 25600 + 12800
