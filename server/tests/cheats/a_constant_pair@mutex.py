# fails
def tick(t):
    pass


def look():
    inspect([1000, 1000])
