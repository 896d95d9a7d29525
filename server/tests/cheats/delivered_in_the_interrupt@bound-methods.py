# fails
class Device:
    def tick(self, t):
        self.work(1)

    def work(self, amount):
        deliver(self, amount)
