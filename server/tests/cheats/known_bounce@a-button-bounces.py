# fails
groups = 20
worst = 6000
