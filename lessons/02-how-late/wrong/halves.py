def total(table):
    half = len(table) // 2
    return sum(table[:half]) + sum(table[half:])
