# fails
class Any:
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False


def tick(t):
    measure()


def reading(i):
    return Any()
