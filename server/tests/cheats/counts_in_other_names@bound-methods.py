# fails
import lab

done = lab.counter("done")
other = lab.counter("other_done")


class Device:
    def tick(self, t):
        done.add(1)
        other.add(1)
