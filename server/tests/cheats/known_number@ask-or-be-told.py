# fails
count = 10


def look():
    pass
