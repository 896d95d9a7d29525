def total(table):
    view = memoryview(table)    # slices of a view copy nothing
    result = 0
    for start in range(0, len(table), 256):
        result += sum(view[start:start + 256])
    return result
